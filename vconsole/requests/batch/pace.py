"""Requests spread over time: what is sent in one go ends in one go, and its seats fall free so too.

With a full engine whoever comes meanwhile waits for such a moment, be their priority what it may,
and then for the step that reads all the new prompts. Spread out, a seat falls free all the time.
"""

from __future__ import annotations

from collections import deque
from statistics import quantiles

# Faster than requests end, or what is in flight would never reach what it may be.
HEADROOM = 2.0
# What may go at once: as much as ends within an engine's step or two.
AT_ONCE_S = 0.05
REMEMBERED, LEAST_KNOWN = 64, 8
MOST_S = 1.0


class Pace:
    """Told how long requests take and how many may be in flight, it says when the next may go.

    By Little's law `limit` in flight that take `seconds` each are `limit / seconds` a second. Of
    the durations the lower quartile counts: what waited for a server that was away slows nothing.
    """

    def __init__(self) -> None:
        self._took_s: deque[float] = deque(maxlen=REMEMBERED)
        self._interval_s = 0.0
        self._next_s = 0.0

    def took(self, seconds: float) -> None:
        self._took_s.append(seconds)

    def settle(self, limit: int | None) -> None:
        """From now on as `limit` in flight want it; None lets everybody go at once."""
        if limit is None or len(self._took_s) < LEAST_KNOWN:
            self._interval_s = 0.0
            return
        self._interval_s = quantiles(self._took_s, n=4)[0] / (limit * HEADROOM)

    def wait_s(self, now_s: float) -> float:
        """For how long the next request has to wait; it takes its turn by asking."""
        if not self._interval_s:
            return 0.0
        turn_s = max(self._next_s, now_s)
        self._next_s = turn_s + self._interval_s
        return min(MOST_S, max(0.0, turn_s - now_s - AT_ONCE_S))
