"""The log of events: told on the loop, kept in memory at once and on the disk right after.

What the disk refuses stays in memory and is written with the next one that it takes.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from vconsole.supervisor.memory.history import History
from vconsole.supervisor.telling.event import Event, EventQuery, Fact, Severity, one_line
from vconsole.supervisor.waiting import set_within

LONGEST_UNWRITTEN = 1000


class EventLog:
    """The one place where events get their ids; `changed` wakes whoever watches."""

    def __init__(self, history: History, changed: Callable[[], None]) -> None:
        self._history = history
        self._changed = changed
        self._next_id = history.last_event_id() + 1
        self._unwritten: deque[Event] = deque(maxlen=LONGEST_UNWRITTEN)
        self._waiters: set[asyncio.Event] = set()
        self._writing: asyncio.Task[None] | None = None

    def add(
        self,
        kind: str,
        text: str,
        facts: Mapping[str, Fact],
        severity: Severity = Severity.INFO,
        server: str | None = None,
    ) -> Event:
        """Tell an event; it is on the disk a moment later. Call it on the loop."""
        at = datetime.now(UTC)
        event = Event(self._next_id, at, str(kind), severity, server, one_line(text), dict(facts))
        self._next_id += 1
        self._unwritten.append(event)
        for waiter in self._waiters:
            waiter.set()
        self._changed()
        self.write_soon()
        return event

    def write_soon(self) -> None:
        """Begin to write what is not written, unless that is under way."""
        if self._unwritten and (self._writing is None or self._writing.done()):
            self._writing = asyncio.create_task(self._write())

    async def find(self, query: EventQuery, wait_s: float = 0.0) -> tuple[Event, ...]:
        """The events that are asked for, oldest first; waits for the first where there is none."""
        deadline_s = asyncio.get_running_loop().time() + wait_s
        waiter = asyncio.Event()
        self._waiters.add(waiter)
        try:
            while True:
                waiter.clear()
                found = await self._find(query)
                left_s = deadline_s - asyncio.get_running_loop().time()
                if found or left_s <= 0 or not await set_within(waiter, left_s):
                    return found
        finally:
            self._waiters.discard(waiter)

    async def close(self) -> None:
        """Write what is left."""
        if self._writing:
            await self._writing
        if self._unwritten:
            await self._write()

    async def _find(self, query: EventQuery) -> tuple[Event, ...]:
        unwritten = tuple(self._unwritten)
        kept = await asyncio.to_thread(self._history.events, query)
        by_id = {event.id: event for event in (*kept, *filter(query.takes, unwritten))}
        return query.of([by_id[number] for number in sorted(by_id)])

    async def _write(self) -> None:
        while self._unwritten:
            batch = tuple(self._unwritten)
            if not await asyncio.to_thread(self._history.add_events, batch):
                return
            written = {event.id for event in batch}
            while self._unwritten and self._unwritten[0].id in written:
                self._unwritten.popleft()
