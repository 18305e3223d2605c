"""The memory of the pulse: an hour of samples at hand, and what goes to the disk every ten seconds.

A supervisor that is killed loses what came since the last write; counters go on from where they
were written, so that what was served in between is counted by the next.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime

from vconsole.engine.metrics.figures import Scrape
from vconsole.host.readings import Gpu
from vconsole.settings import ServiceLevelSettings
from vconsole.supervisor.memory.energy import EnergyMeter
from vconsole.supervisor.memory.folding import fold
from vconsole.supervisor.memory.history import History
from vconsole.supervisor.memory.storage.samples import Row
from vconsole.supervisor.memory.storage.served import Pending
from vconsole.supervisor.memory.tally import Increase, counters_of, increase, latest
from vconsole.supervisor.model import Sample

HOUR_S = 3600
WEEK_S = 7 * 86_400
WRITE_EVERY_S = 10.0
# A longer pause between two beats was a suspended machine or a debugger, and nobody was served.
LONGEST_BEAT_S = 5.0
LONGEST_UNWRITTEN = 10_000


class Recorder:
    """Takes in one beat after the other; all methods but `history` and `close` return at once."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._seconds: dict[str, deque[Sample]] = {}
        self._counters = history.counters()
        self._unwritten: deque[Row] = deque(maxlen=LONGEST_UNWRITTEN)
        self._pending = Pending()
        self._tallied_s: dict[str, float] = {}
        self._meter = EnergyMeter()
        self._written_s = time.monotonic()
        self._writing: asyncio.Task[None] | None = None

    # --- taking in -------------------------------------------------------------------------------

    def keep(self, server: str, sample: Sample) -> None:
        self._hour_of(server).append(sample)
        self._unwritten.append((server, sample))

    def tally(
        self,
        server: str,
        life: str,
        scrape: Scrape,
        targets: ServiceLevelSettings | None = None,
        *,
        foreign: bool,
    ) -> None:
        """Count what was served since the last scrape, across restarts of vLLM and of us."""
        before = self._counters.get(server)
        after = latest(before, counters_of(life, scrape, targets))
        more = increase(before, after, foreign=foreign)
        now_s = time.monotonic()
        serving_s = min(LONGEST_BEAT_S, now_s - self._tallied_s.get(server, now_s))
        self._tallied_s[server] = now_s
        self._counters[server] = self._pending.counters[server] = after
        if serving_s or more != Increase():
            self._pending.increases.append((server, _this_minute(), serving_s, more))

    def draw(self, gpus: Iterable[Gpu]) -> None:
        """Add what the cards drew since the last beat."""
        drawn_wh = self._meter.drawn_wh(time.monotonic(), gpus)
        if drawn_wh is not None:
            minute, minutes = _this_minute(), self._pending.energy_wh
            minutes[minute] = minutes.get(minute, 0.0) + drawn_wh

    def beat(self) -> None:
        """Begin to write where that is due and not under way."""
        due = time.monotonic() - self._written_s >= WRITE_EVERY_S
        if due and (self._writing is None or self._writing.done()):
            self._written_s = time.monotonic()
            self._writing = asyncio.create_task(self._write())

    # --- giving out ------------------------------------------------------------------------------

    async def history(self, server: str, seconds: float, points: int | None) -> list[Sample]:
        """The samples of the last `seconds` (a week at most), oldest first.

        The last hour has one a second, what is older one a minute; with `points` they are folded.
        """
        now = datetime.now(UTC)
        since_s = now.timestamp() - min(max(0.0, seconds), WEEK_S)
        hour_s = now.timestamp() // 60 * 60 - HOUR_S
        found = [s for s in self._hour_of(server) if s.at.timestamp() >= max(since_s, hour_s)]
        if since_s < hour_s:
            older = await asyncio.to_thread(self._history.minutes, server, since_s, hour_s)
            found = [*older, *found]
        if points is None:
            return found
        return await asyncio.to_thread(fold, found, now.timestamp() - since_s, points, now)

    async def flush(self) -> None:
        """Write what was taken in, now."""
        if self._writing:
            await self._writing
        await self._write()

    # --- parts -----------------------------------------------------------------------------------

    def _hour_of(self, server: str) -> deque[Sample]:
        """The last hour of a server; that of an earlier supervisor is read at its first mention."""
        if server not in self._seconds:
            now_s = time.time()
            kept = self._history.seconds(server, now_s - HOUR_S, now_s)
            # The first minute may be read whole: a sample more than an hour is one of the hour.
            self._seconds[server] = deque(kept, maxlen=HOUR_S + 60)
        return self._seconds[server]

    async def _write(self) -> None:
        rows, pending = tuple(self._unwritten), self._pending
        self._unwritten.clear()
        self._pending = Pending()
        await asyncio.to_thread(self._history.add, rows, pending)


def _this_minute() -> int:
    return int(time.time() // 60)
