"""A one-line text field that does not blink: a blinking cursor sends bytes for ever."""

from __future__ import annotations

from textual.widgets import Input


class Field(Input):
    def on_mount(self) -> None:
        self.compact = True
        self.cursor_blink = False
