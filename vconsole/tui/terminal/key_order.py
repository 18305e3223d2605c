"""Keys take effect one after the other, however fast they come.

Textual hands a key to the widget in focus at once, and its binding runs when it has bubbled up; a
key typed behind it would still go to the old focus: `/` and a letter in one go would lose the
letter, or act as a command.
"""

from __future__ import annotations

import asyncio
from collections import deque

from textual import events
from textual.app import App
from textual.message import Message
from textual.widget import Widget

# A widget that is removed while it has the key swallows the mark behind it; one that is still there
# gets more looks, for a first visit to a screen on a busy machine takes long.
LOOK_EVERY_S = 0.5
LOOKS = 6


class KeyDone(Message):
    """Takes the way of a key, behind it: where this arrives, the key has had its effect."""


class KeysInOrder(App[None], inherit_bindings=False):
    """Holds each key back until the one before it is done, its change of focus or screen too."""

    def __init__(self) -> None:
        super().__init__()
        self._held: deque[events.Key] = deque()
        self._under_way: asyncio.TimerHandle | None = None

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key) and not event.is_forwarded:
            self._held.append(event)
            await self._hand_on()
        else:
            await super().on_event(event)

    async def _hand_on(self) -> None:
        if self._under_way is not None or not self._held:
            return
        way = self.focused or self.screen
        self._look_after(way, LOOKS)
        await super().on_event(self._held.popleft())
        way.post_message(KeyDone())

    def _look_after(self, way: Widget, looks: int) -> None:
        loop = asyncio.get_running_loop()
        self._under_way = loop.call_later(LOOK_EVERY_S, self._look, way, looks - 1)

    def _look(self, way: Widget, looks: int) -> None:
        if way.is_attached and looks:
            self._look_after(way, looks)
        else:
            self.call_later(self._next_key)

    def on_key_done(self) -> None:
        # Focus changes by a callback, which is in the queue before this one.
        self.call_later(self._next_key)

    async def _next_key(self) -> None:
        if self._under_way is not None:
            self._under_way.cancel()
            self._under_way = None
        await self._hand_on()
