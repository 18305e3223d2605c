"""The prompt: Enter sends, ctrl+j breaks the line, up and down at its edges recall earlier ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from textual import events
from textual.message import Message
from textual.widgets import TextArea


class PromptArea(TextArea):
    def on_mount(self) -> None:
        self.cursor_blink = False

    @dataclass
    class Sent(Message):
        text: str

    @dataclass
    class Recalled(Message):
        """The user wants the request `step` further on; negative is older."""

        step: int

    class Left(Message):
        """Escape was pressed."""

    async def _on_key(self, event: events.Key) -> None:
        acts: dict[str, Callable[[], object]] = {
            "enter": lambda: self.post_message(self.Sent(self.text.strip())),
            "escape": lambda: self.post_message(self.Left()),
            "ctrl+j": lambda: self.insert("\n"),
            "shift+enter": lambda: self.insert("\n"),
        }
        row, last = self.cursor_location[0], self.document.line_count - 1
        if row == 0:
            acts["up"] = lambda: self.post_message(self.Recalled(-1))
        if row == last:
            acts["down"] = lambda: self.post_message(self.Recalled(1))
        if (act := acts.get(event.key)) is not None:
            event.stop()
            event.prevent_default()
            act()
