"""The question before a dangerous action: what it concerns, what happens, and Cancel as default."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from vconsole.tui.text import Line, Role, line, wrap
from vconsole.tui.widgets.panel import Panel

BOX_WIDTH = 64


class ConfirmBox(Panel):
    """Paragraphs, then the two keys; `y` is another key than the one that led here."""

    def __init__(self, title: str, target: str, effects: Sequence[str], verb: str) -> None:
        super().__init__()
        self._title = title
        self._target = target
        self._effects = effects
        self._verb = verb

    def heading(self) -> tuple[Line, Line]:
        return line((self._title, Role.WARN_STRONG)), ()

    def content(self, width: int) -> list[Line]:
        rows: list[Line] = [(), line((f" {self._target}", Role.STRONG)), ()]
        for effect in self._effects:
            rows += [line(f" {row}") for row in wrap(effect, width - 2)]
        keys = line(
            " ",
            (" Cancel ", Role.CHOSEN),
            ("  enter, esc", Role.DIM),
            "      ",
            ("y", Role.BAD_STRONG),
            (f"  {self._verb}", Role.TEXT),
        )
        return [*rows, (), keys, ()]

    def body(self, width: int, height: int) -> Sequence[Line]:
        return self.content(width)

    def on_mount(self) -> None:
        width = min(BOX_WIDTH, int(self.app.size.width * 0.96))
        self.styles.height = len(self.content(width - 4)) + 2


class ConfirmScreen(ModalScreen[bool]):
    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "do it", show=False),
        Binding("enter,escape,n,q", "answer(False)", "cancel", show=False),
    ]

    def __init__(self, title: str, target: str, effects: Sequence[str], verb: str) -> None:
        super().__init__()
        self._box = ConfirmBox(title, target, effects, verb)

    def compose(self) -> ComposeResult:
        yield self._box

    def action_answer(self, yes: bool) -> None:
        self.dismiss(yes)
