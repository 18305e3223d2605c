"""How fast it goes: finished requests and tokens over the last half minute."""

from __future__ import annotations

from collections import deque

WINDOW_S = 30.0
SHORT_S = 2.0


class Rate:
    """Totals as they stood at times; rates are differences."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int, int]] = deque()

    def add(self, now_s: float, finished: int, tokens: int) -> None:
        self._seen.append((now_s, finished, tokens))
        while len(self._seen) > 2 and self._seen[0][0] < now_s - WINDOW_S:
            self._seen.popleft()

    def forget(self) -> None:
        """What was before a pause says nothing of what comes."""
        self._seen.clear()

    def over_window(self) -> tuple[float, float, float] | None:
        """Requests a second, tokens a second, and the seconds that they were taken over."""
        return self._since(WINDOW_S)

    def short_per_s(self) -> float:
        """Requests a second just now."""
        found = self._since(SHORT_S)
        return found[0] if found else 0.0

    def _since(self, seconds: float) -> tuple[float, float, float] | None:
        if len(self._seen) < 2:
            return None
        last_s, finished, tokens = self._seen[-1]
        first = next(seen for seen in self._seen if seen[0] >= last_s - seconds)
        span_s = last_s - first[0]
        if span_s <= 0:
            return None
        return (finished - first[1]) / span_s, (tokens - first[2]) / span_s, span_s
