"""Whether and when a server that ended by itself is started again. Pure: the caller has the clock.

Delays double and are spread a little, so that several servers do not come back in step; a limit in
a window ends a loop, and both are in the record, so that a new supervisor goes on counting.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """`limit` restarts within `window_s`; the first waits `first_s`, each further twice as long."""

    first_s: float = 2.0
    longest_s: float = 300.0
    limit: int = 5
    window_s: float = 1800.0
    spread: float = 0.2

    def recent(self, restarts: tuple[datetime, ...], now: datetime) -> tuple[datetime, ...]:
        """Those restarts that still count; ones dated in the future (a stepped clock) do too."""
        since = now - timedelta(seconds=self.window_s)
        return tuple(at for at in restarts if at > since)

    def delay_s(self, restarts: tuple[datetime, ...], now: datetime, chance: float) -> float | None:
        """Seconds to wait before the next restart, None where the limit is reached.

        `chance` (0 to 1) decides where in the spread around the exact delay it falls.
        """
        count = len(self.recent(restarts, now))
        if count >= self.limit:
            return None
        exact_s = min(self.longest_s, self.first_s * float(2**count))
        return exact_s * (1 + self.spread * (2 * chance - 1))
