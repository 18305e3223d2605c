"""The smallest Textual application that shows a line: the floor under any first paint."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.widgets import Static

SHOWN = "minimal textual"


class Minimal(App[None]):
    BINDINGS = [Binding("q", "quit")]  # noqa: RUF012 - as Textual's own examples have it

    def compose(self) -> ComposeResult:
        yield Static(SHOWN)


if __name__ == "__main__":
    Minimal().run()
