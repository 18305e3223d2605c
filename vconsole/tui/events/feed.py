"""The thread that asks for the kept events, and then waits for those to come, while one looks."""

from __future__ import annotations

import threading
from pathlib import Path

import msgspec
from textual.message_pump import MessagePump

from vconsole.errors import VConsoleError
from vconsole.supervisor.client import SupervisorClient
from vconsole.supervisor.queries import LONGEST_WAIT_S, MOST_EVENTS
from vconsole.supervisor.telling.event import Event, EventQuery
from vconsole.tui.background.calls import deliver, in_background
from vconsole.tui.messages import EventsArrived

RETRY_S = 1.0


class EventFeed:
    """One visit: from the events after `after_id` (all where it is None) until `end`."""

    def __init__(self, pump: MessagePump, socket_path: Path, after_id: int | None) -> None:
        self._pump = pump
        self._client = SupervisorClient(socket_path)
        self._after_id = after_id
        self._over = threading.Event()

    def begin(self) -> None:
        in_background("events", self._run)

    def end(self) -> None:
        """Nothing more is posted; the thread ends with the answer that it waits for."""
        self._over.set()

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                found = self._ask()
            except (VConsoleError, msgspec.MsgspecError):
                # The link tells of a supervisor that does not answer.
                self._over.wait(RETRY_S)
                continue
            first, self._after_id = self._after_id is None, self._last(found)
            if self._over.is_set():
                return
            if (found or first) and not deliver(self._pump, EventsArrived(found)):
                return

    def _ask(self) -> tuple[Event, ...]:
        wait_s = 0.0 if self._after_id is None else LONGEST_WAIT_S
        query = EventQuery(after_id=self._after_id, limit=MOST_EVENTS)
        return self._client.events(query, wait_s)

    def _last(self, found: tuple[Event, ...]) -> int:
        return found[-1].id if found else self._after_id or 0
