"""Where Ollama is asked for: as it is now, one rung of the ladder, and its return noticed."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from vconsole.errors import ExitCode, VConsoleError
from vconsole.host.ollama import api
from vconsole.host.ollama.owner import Owner, OwnerKind, find_owner
from vconsole.host.readings import GpuReading
from vconsole.supervisor.ollama import book, ladder, looking
from vconsole.supervisor.ollama.model import OllamaReport, Rung, Taken
from vconsole.supervisor.ollama.steps import Steps
from vconsole.supervisor.telling.event import EventKind, Severity
from vconsole.supervisor.telling.event_log import EventLog

# NVML shows freed memory a moment later than the process lets go of it.
SETTLES_S = 20.0
POLL_S = 0.5


class Desk:
    """One verb at a time; `gpus` gives the last reading of the cards.

    `first_seen` has since when each model is loaded, as far as the supervisor saw it.
    """

    def __init__(
        self,
        events: EventLog,
        gpus: Callable[[], GpuReading],
        first_seen: Callable[[], Mapping[str, datetime | None]] = dict,
    ) -> None:
        self._events = events
        self._gpus = gpus
        self._first_seen = first_seen
        self._lock = asyncio.Lock()
        self._was_running: bool | None = None
        self._verb_ended_s = -math.inf
        self._is_wanted_back = False

    @property
    def sent_away(self) -> bool:
        """Whether Ollama itself was taken away, and not given back."""
        taken = book.read()
        return taken is not None and not taken.waits and taken.rung is not Rung.UNLOAD

    @property
    def gave_way(self) -> bool:
        """Whether anything was taken from Ollama, its models' memory included, and not given back.

        Memory that it holds again meanwhile is what somebody wants to hear of.
        """
        taken = book.read()
        return taken is not None and not taken.waits

    async def report(self, steps: Steps | None = None) -> OllamaReport:
        """Ollama as it is now."""
        found = await looking.look(self._gpus(), self._first_seen())
        taken = found.taken
        if taken and taken.waits and not found.running and not self._lock.locked():
            taken = self._carried_out_by_hand(taken)
        return replace(
            found,
            taken=replace(taken, recipe=None) if taken else None,
            steps=steps.done if steps else (),
        )

    async def climb(self, rung: Rung, pid: int | None) -> OllamaReport:
        """Carry out a rung, then read the memory again until it is free."""
        async with self._lock:
            owner = await asyncio.to_thread(find_owner)
            models = await asyncio.to_thread(api.loaded_models)
            if owner is None and models is None:
                raise VConsoleError(
                    "no Ollama runs here", exit_code=ExitCode.NO_SERVER, kind="no_ollama"
                )
            before = await asyncio.to_thread(book.read)
            owner = owner or Owner(OwnerKind.HIDDEN)
            steps = await ladder.climb(rung, owner, models or (), pid)
            if steps.refused:
                await asyncio.to_thread(book.refused, before)
            else:
                await asyncio.to_thread(book.settle)
                self._was_running = rung is Rung.UNLOAD
            try:
                await steps.take("memory is free again", self._until_free)
            finally:
                self._verb_ended_s = time.monotonic()
            self._tell(f"Ollama: {rung}", steps)
            return await self.report(steps)

    async def restore(self) -> OllamaReport:
        """Give Ollama back what was taken."""
        async with self._lock:
            taken = await asyncio.to_thread(book.read)
            if taken is None:
                raise VConsoleError(
                    "nothing was taken from Ollama, so there is nothing to restore",
                    exit_code=ExitCode.REFUSED,
                    kind="nothing_taken",
                )
            self._was_running = None
            steps = await ladder.restore(taken)
            self._is_wanted_back = steps.refused
            self._verb_ended_s = time.monotonic()
            self._tell("Ollama: restored", steps)
            return await self.report(steps)

    def notice(self, running: bool | None, looked_s: float) -> None:
        """Told at every beat whether Ollama answered when it was looked at last.

        One that was sent away and is back is news, and so is a step that an administrator did.
        """
        if self._lock.locked() or running is None or looked_s <= self._verb_ended_s:
            return
        if running == self._was_running:
            return
        self._was_running = running
        taken = book.read()
        if taken is None:
            return
        if not running:
            self._carried_out_by_hand(taken)
        elif self._is_wanted_back:
            self._came_back_by_hand(taken)
        elif self.sent_away:
            text = "Ollama is back, though it was sent away: `vconsole ollama status` says by whom"
            self._events.add(
                EventKind.OLLAMA, text, {"begins": True, "back": True}, Severity.WARNING
            )

    def _carried_out_by_hand(self, taken: Taken) -> Taken:
        """Note that what was refused has happened since; `taken` as it is then."""
        if not taken.waits or taken.rung is Rung.UNLOAD:
            return taken
        book.settle()
        self._was_running = False
        text = f"Ollama: {taken.rung} was carried out by an administrator"
        self._events.add(EventKind.OLLAMA, text, {"begins": False, "refused": False})
        return replace(taken, waits=False)

    def _came_back_by_hand(self, taken: Taken) -> None:
        self._is_wanted_back = False
        text = "Ollama is back, started by an administrator"
        if taken.models or taken.blocked:
            text += "; `vconsole ollama restore` gives back the rest"
        else:
            book.close()
        self._events.add(EventKind.OLLAMA, text, {"begins": True, "back": True})

    async def _until_free(self) -> None:
        deadline_s = time.monotonic() + SETTLES_S
        while time.monotonic() < deadline_s:
            models = await asyncio.to_thread(api.loaded_models)
            if not models and not looking.gpu_bytes(self._gpus(), models):
                return
            await asyncio.sleep(POLL_S)
        raise VConsoleError(
            f"Ollama still holds memory after {SETTLES_S:.0f} s",
            "see what it does: `vconsole ollama status`",
        )

    def _tell(self, what: str, steps: Steps) -> None:
        words = "; ".join(
            step.name if step.ok else f"{step.name} needs an administrator" for step in steps.done
        )
        facts = {"begins": False, "refused": steps.refused}
        self._events.add(EventKind.OLLAMA, f"{what}: {words}" if words else what, facts)
