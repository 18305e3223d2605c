"""Watching a start: phases from the log as it is written, until the server answers or is gone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from vconsole.engine.http.client import EngineClient
from vconsole.engine.http.protocol import ModelCard
from vconsole.engine.log import logline, phases
from vconsole.engine.log.phases import PhaseTracker
from vconsole.engine.log.start_figures import StartFigures
from vconsole.supervisor.logs.logtail import LogTail
from vconsole.supervisor.model import PhaseTime

POLL_S = 0.2
QUIET_ASKING_EVERY = 15


class StartWatch:
    """One start from its spawn on; the figures may be read at any time."""

    def __init__(self, tail: LogTail, learned: dict[str, float], learned_from: int) -> None:
        self.learned_from = learned_from
        self._tail = tail
        self._learned = learned
        self._tracker = PhaseTracker()
        self._spawned_s = time.monotonic()
        self._polls = 0

    @property
    def phase(self) -> str:
        return self._tracker.current

    @property
    def progress(self) -> float | None:
        return self._tracker.progress

    @property
    def figures(self) -> StartFigures:
        """What the log said of memory so far."""
        return self._tracker.figures

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self._spawned_s

    @property
    def eta_s(self) -> float | None:
        in_current_s = self._tracker.seconds_in_current(self.elapsed_s)
        return phases.remaining_s(self._tracker.current, in_current_s, self._learned)

    def phase_times(self) -> tuple[PhaseTime, ...]:
        """The phases that are over, then the running one without its seconds."""
        over = [PhaseTime(span.name, span.seconds) for span in self._tracker.closed()]
        names = {phase.name for phase in over}
        running = () if self.phase in names else (PhaseTime(self.phase),)
        return (*over, *running)

    async def until_ready(
        self, client: EngineClient, is_alive: Callable[[], bool], changed: Callable[[], None]
    ) -> tuple[ModelCard, ...] | None:
        """The models that it serves once it answers, or None when it is gone before."""
        shown = None
        while is_alive():
            await self._read_log()
            if (now := (self.phase, self.progress)) != shown:
                shown = now
                changed()
            if self._worth_asking() and await client.health():
                return await client.models()
            if not self._tail.behind:
                await asyncio.sleep(POLL_S)
        await self._read_log()
        return None

    def finish(self) -> tuple[PhaseTime, ...]:
        spans = self._tracker.finish(self.elapsed_s)
        return tuple(PhaseTime(span.name, span.seconds) for span in spans)

    def _worth_asking(self) -> bool:
        """Whether to ask for its health: a server told to log errors only never says `ready`."""
        self._polls += 1
        return self.phase == "ready" or self._polls % QUIET_ASKING_EVERY == 0

    async def _read_log(self) -> None:
        for line in await self._tail.new_lines():
            self._tracker.feed(logline.parse(line).message, self.elapsed_s)
