"""The book of one server: its record in memory and on disk, and each change of state in it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from vconsole.supervisor.model import Failure, ServerState, Transition
from vconsole.supervisor.servers import record
from vconsole.supervisor.servers.record import KEPT_TRANSITIONS, Run, ServerRecord
from vconsole.supervisor.servers.states import is_legal
from vconsole.supervisor.telling.telling import Teller

log = logging.getLogger(__name__)


class Book:
    """The only writer of a server's record; a disk that refuses is reported, never fatal."""

    def __init__(self, name: str, changed: Callable[[], None], teller: Teller) -> None:
        self.record = record.load(name)
        self.write_error: str | None = None
        self._changed = changed
        self._teller = teller
        self._writing = asyncio.Lock()

    @property
    def state(self) -> ServerState:
        return self.record.state

    @property
    def run(self) -> Run | None:
        return self.record.run

    async def enter(self, state: ServerState, cause: str, **fields: object) -> None:
        """Change the state, with a cause for the log, and further fields of the record."""
        before = self.record.state
        if not is_legal(before, state):
            raise RuntimeError(f"illegal transition {before} -> {state} ({cause})")
        log.info("%s: %s -> %s (%s)", self.record.name, before, state, cause)
        stamped = Transition(state, datetime.now(UTC), cause)
        failure = fields.get("last_failure")
        self._teller.transition(
            self.record, stamped, failure if isinstance(failure, Failure) else None
        )
        transitions = (*self.record.transitions, stamped)[-KEPT_TRANSITIONS:]
        await self.note(state=state, transitions=transitions, **fields)

    async def note(self, **fields: object) -> None:
        """Change fields of the record and write it."""
        self.record = replace(self.record, **fields)  # type: ignore[arg-type]
        self._changed()
        await self.save()

    async def note_run(self, **fields: object) -> None:
        if self.record.run:
            await self.note(run=replace(self.record.run, **fields))  # type: ignore[arg-type]

    async def save(self) -> None:
        async with self._writing:
            snapshot: ServerRecord = self.record
            try:
                await asyncio.to_thread(record.save, snapshot)
                self._note_error(None)
            except OSError as error:
                self._note_error(f"cannot write the record: {error.strerror}")

    def _note_error(self, error: str | None) -> None:
        if error == self.write_error:
            return
        self.write_error = error
        self._teller.record(error)
        if error:
            log.error("%s: %s", self.record.name, error)
