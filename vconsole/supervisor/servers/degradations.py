"""What makes a serving server worse than it could be, named while it serves.

Its log is read as it grows; a cause that lasts stays named, one that comes and goes is named while
it was seen within the last minute. Each cause is told as an event once in a life.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from vconsole.engine.command.flags import options_given
from vconsole.engine.log.failures import Diagnosis, Severity, degradations
from vconsole.models.chat_template import lacks_chat_template
from vconsole.supervisor.logs.logtail import LogTail
from vconsole.supervisor.servers import record
from vconsole.supervisor.servers.book import Book
from vconsole.supervisor.servers.life import Life
from vconsole.supervisor.telling.telling import Teller

LOOK_EVERY_S = 2.0
# These pass: they are named while they are seen. One stall during a start is a long compilation.
PASSING = frozenset({"kv_preemption", "worker_stall"})
SEEN_FOR_S = 60.0
# A server that logs each of a thousand requests a second writes less than this at a time.
MOST_CHUNKS = 8
NO_TEMPLATE = Diagnosis(
    "chat_template_missing",
    Severity.DEGRADED,
    message="The model has no chat template, so chat requests are answered with 400.",
    remedy="Serve its Instruct variant, or pass a template with --chat-template FILE; "
    "/v1/completions works as it is.",
)


class Degradations:
    """Those of one server; `warnings` are the ones that hold now, a sentence each."""

    def __init__(self, book: Book, teller: Teller) -> None:
        self._book = book
        self._teller = teller
        self._tag: str | None = None
        self._tail: LogTail | None = None
        self._seen: dict[str, tuple[str, float]] = {}
        self._next_s = 0.0
        self._catching_up = True

    @property
    def warnings(self) -> tuple[str, ...]:
        run, now_s = self._book.run, time.monotonic()
        if run is None or run.tag != self._tag:
            return ()
        return tuple(
            message
            for cause, (message, at_s) in self._seen.items()
            if cause not in PASSING or now_s - at_s < SEEN_FOR_S
        )

    async def look(self, life: Life) -> None:
        """Read what the log has more than at the last look, where one is due."""
        if life.run.foreign or time.monotonic() < self._next_s:
            return
        self._next_s = time.monotonic() + LOOK_EVERY_S
        tail = self._tail if self._tag == life.run.tag else None
        tail = tail or await self._begin(life)
        for _ in range(MOST_CHUNKS):
            lines = await tail.new_lines()
            await self._read(life, lines)
            if not tail.behind:
                self._catching_up = False
                break

    async def _read(self, life: Life, lines: list[str]) -> None:
        """Note what these lines show; until the start is caught up with, nothing is news."""
        old = self._catching_up
        for found in await asyncio.to_thread(degradations, lines, serving=not old):
            if not (old and found.cause in PASSING):
                await self._note(life, found)

    async def _begin(self, life: Life) -> LogTail:
        self._tag, self._seen, self._catching_up = life.run.tag, {}, True
        self._tail = LogTail(record.log_path(life.name), life.run.log_offset_bytes)
        given = options_given(life.launch.flags)
        if await asyncio.to_thread(lacks_chat_template, Path(life.launch.model), given):
            await self._note(life, NO_TEMPLATE)
        return self._tail

    async def _note(self, life: Life, found: Diagnosis) -> None:
        self._seen[found.cause] = (found.message, time.monotonic())
        if found.cause in life.run.degraded:
            return
        life.note_degraded(found.cause)
        self._teller.degraded(found)
        await self._book.note(run=life.run)
