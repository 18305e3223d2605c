"""How many requests to keep in flight: found from what the engine says of itself.

The engine is full once a line stands in front of it: requests that wait at every look, not only
between their arrival and the next step. A short line keeps it full between a request's end and the
next one's arrival; a longer one only makes everybody else wait. So the number grows until a line
stands, and is then held where that is what the engine finishes within `RESERVE_S`: hundreds of
small requests a second leave a short line, a few long ones none, and a slot free for whoever comes.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

FIRST = 32
MOST = 1024
RESERVE_S = 0.02
FREE_SLOTS, FREE_SHARE = 2, 0.04
GROWTH, GENTLE_GROWTH = 2.0, 1.25
LOOKS = 3
TAKEN_SHARE = 0.6
AFTER_PREEMPTION, AFTER_REFUSAL = 0.8, 0.7
# What the engine could not bear is not tried again for so long.
HOLD_S = 20.0
PROBE_EVERY_S = 5.0
# Without the engine's word: a step up has to bring this much to be kept.
WORTH = 1.05


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen since the last look: the engine's gauges (None unknown) and our own counts.

    `finished` is how many requests are done in all; `preempted` and `refused` are whether that
    happened since the last look.
    """

    now_s: float
    in_flight: int
    finished_per_s: float
    finished: int = 0
    running: float | None = None
    waiting: float | None = None
    preempted: bool = False
    refused: bool = False


class Concurrency:
    """A fixed number is kept as it is; otherwise `look` moves `total`, that of all batches."""

    def __init__(self, fixed: int | None) -> None:
        self.fixed = fixed
        self.total = fixed or FIRST
        self._found_line = False
        self._looks: deque[tuple[float, float]] = deque(maxlen=LOOKS)
        self._finished_at_change = 0
        self._ceiling, self._ceiling_until_s = MOST, 0.0
        self._probed_s = 0.0
        self._best_per_s, self._best_total = 0.0, FIRST

    @property
    def is_full(self) -> bool:
        """Whether the number was found, and the engine has as much as it can do."""
        return self.fixed is None and self._found_line

    def limit(self, share: float) -> int:
        """This batch's part of it."""
        return self.total if self.fixed else max(1, round(self.total * share))

    def look(self, look: Look, share: float = 1.0) -> None:
        """Take in one look, about twice a second."""
        if self.fixed is not None:
            return
        if look.now_s > self._ceiling_until_s:
            self._ceiling = MOST
        if look.refused:
            self._retreat(look, max(1, int(look.in_flight / share * AFTER_REFUSAL)))
        elif look.preempted:
            self._retreat(look, max(1, int((look.running or self.total) * AFTER_PREEMPTION)))
        elif look.waiting is None or look.running is None:
            self._climb(look, share)
        else:
            self._follow(look, look.running, look.waiting, share)
        self.total = max(1, min(self.total, self._ceiling, MOST))

    def _retreat(self, look: Look, total: int) -> None:
        self.total = self._ceiling = min(self.total, total)
        self._ceiling_until_s = look.now_s + HOLD_S

    def _follow(self, look: Look, running: float, waiting: float, share: float) -> None:
        """Grow until a line stands, then keep it as short as keeps the engine full."""
        self._looks.append((running, waiting))
        if len(self._looks) < LOOKS:
            return
        most_run = max(running for running, _ in self._looks)
        standing = min(waiting for _, waiting in self._looks)
        wanted = round(look.finished_per_s / share * RESERVE_S)
        wanted -= min(FREE_SLOTS, int(most_run * FREE_SHARE))
        before = self.total
        if standing > max(wanted, 0):
            self._shrink(look.in_flight / share - standing + wanted, most_run + wanted)
        elif look.in_flight >= self.total * share * 0.9 and self._has_taken_them(look, share):
            self._grow(look, standing, wanted)
        if self.total != before:
            self._looks.clear()
            self._finished_at_change = look.finished

    def _has_taken_them(self, look: Look, share: float) -> bool:
        """Whether the engine shows what this number does: it runs them, or has answered as many.

        A busy machine's gauges may stand at nothing for seconds while requests are on their way.
        """
        least_run = min(running for running, _ in self._looks)
        turned_over = look.finished - self._finished_at_change >= look.in_flight
        return turned_over or least_run >= look.in_flight / share * TAKEN_SHARE

    def _shrink(self, bearable: float, runs: float) -> None:
        """What is in flight without the line is what the engine can do; the line drains by itself.

        Half at most at once: a single wrong look costs little.
        """
        if not all(running for running, _ in self._looks):
            return
        self._found_line = True
        self.total = min(self.total, max(1, self.total // 2, round(bearable), round(runs)))

    def _grow(self, look: Look, standing: float, wanted: int) -> None:
        if not self._found_line:
            self.total = int(self.total * GROWTH)
        elif wanted > 0 and standing:
            self.total += max(1, round((wanted - standing) * 0.5))
        elif wanted > 0:
            self.total += self.total // 4 + 1
        elif self._may_probe(look):
            self.total += 1 + self.total // 16

    def _may_probe(self, look: Look) -> bool:
        if look.now_s - self._probed_s < PROBE_EVERY_S:
            return False
        self._probed_s = look.now_s
        return True

    def _climb(self, look: Look, share: float) -> None:
        """A server that says nothing of itself: go up as long as that brings something."""
        if look.in_flight < self.total * share * 0.9 or look.finished_per_s <= 0:
            return
        if look.finished_per_s > self._best_per_s * WORTH:
            self._best_per_s, self._best_total = look.finished_per_s, self.total
            self.total = int(self.total * GROWTH)
            self._probed_s = look.now_s
        elif look.now_s - self._probed_s > PROBE_EVERY_S:
            # What was best may be so no longer: forget a part of it and try above it again.
            self._best_per_s *= 0.9
            self._probed_s = look.now_s
        elif self.total > self._best_total * GENTLE_GROWTH:
            self.total = int(self._best_total * GENTLE_GROWTH)
