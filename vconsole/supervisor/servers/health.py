"""Whether a ready server really works, judged by what it does and not by what `/health` says.

Pure: one `Observation` a second goes in, a `Verdict` comes out. All times are the monotonic clock,
which stands still while the machine is suspended.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

# Any pause between two observations longer than this was ours, not the server's.
OUR_OWN_GAP_S = 5.0
STOPPED_S = 4.0
SILENT_S = 10.0
# Work in hand, no token, no step, and its processes idle: nothing will come of it.
IDLE_AT_WORK_S = 10.0
# The same with processes that burn time may be one long step, so it gets long.
BUSY_WITHOUT_RESULT_S = 300.0


class Verdict(StrEnum):
    HEALTHY = "healthy"
    STALLED = "stalled"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Observation:
    """What was seen of one server at `at_s`.

    `lost` and `stopped` name engine processes that are gone or halted by a signal; `progress` is
    the sum of its token and iteration counters, None where `/metrics` did not answer; `cpu_s` is
    the processor time of its processes.
    """

    at_s: float
    progress: float | None
    in_hand: float = 0.0
    cpu_s: float = 0.0
    lost: tuple[str, ...] = ()
    stopped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    verdict: Verdict
    reason: str = ""


HEALTHY = Judgement(Verdict.HEALTHY)


class HealthJudge:
    """Remembers since when something has been amiss; a gap in observing starts it afresh.

    `in_doubt` is set by a gap (the machine slept) and by a stall; whoever clears it has asked the
    engine for a token.
    """

    def __init__(self) -> None:
        self.in_doubt = False
        self._last: Observation | None = None
        self._answered_s = 0.0
        self._progress_s = 0.0
        self._busy_s = 0.0
        self._running_s = 0.0
        self._whole_s = 0.0

    def observe(self, seen: Observation) -> Judgement:
        """Take one observation in and judge."""
        last = self._last
        self._last = seen
        if last is None or seen.at_s - last.at_s > OUR_OWN_GAP_S:
            self.in_doubt = last is not None
            self._begin(seen.at_s)
            return HEALTHY
        self._note(last, seen)
        judgement = self._judge(seen)
        self.in_doubt = self.in_doubt or judgement.verdict is not Verdict.HEALTHY
        return judgement

    def _begin(self, at_s: float) -> None:
        self._answered_s = self._progress_s = self._busy_s = at_s
        self._running_s = self._whole_s = at_s

    def _note(self, last: Observation, seen: Observation) -> None:
        if seen.progress is not None:
            self._answered_s = seen.at_s
        moved = None not in {seen.progress, last.progress} and seen.progress != last.progress
        if moved or (seen.progress is not None and not seen.in_hand):
            self._progress_s = seen.at_s
        if moved or seen.cpu_s - last.cpu_s > 0.05 * (seen.at_s - last.at_s):
            self._busy_s = seen.at_s
        if not seen.stopped:
            self._running_s = seen.at_s
        if not seen.lost:
            self._whole_s = seen.at_s

    def _judge(self, seen: Observation) -> Judgement:
        now_s = seen.at_s
        if now_s - self._whole_s >= STOPPED_S:
            return Judgement(
                Verdict.BROKEN, f"{', '.join(seen.lost)} ended, the API server did not"
            )
        if now_s - self._running_s >= STOPPED_S:
            return Judgement(Verdict.STALLED, f"{', '.join(seen.stopped)} is halted by a signal")
        if now_s - self._answered_s >= SILENT_S:
            return Judgement(Verdict.STALLED, f"no answer for {now_s - self._answered_s:.0f} s")
        without_s = now_s - self._progress_s
        idle_s = now_s - self._busy_s
        if without_s >= IDLE_AT_WORK_S and idle_s >= IDLE_AT_WORK_S:
            return Judgement(
                Verdict.STALLED,
                f"{seen.in_hand:.0f} requests in hand, nothing done for {without_s:.0f} s",
            )
        if without_s >= BUSY_WITHOUT_RESULT_S:
            return Judgement(Verdict.STALLED, f"busy without a token for {without_s:.0f} s")
        return HEALTHY
