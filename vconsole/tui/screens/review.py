"""What will run, shown before it does; Enter does it, for it replaces nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from vconsole.tui.drawing.text import Line, Role, line
from vconsole.tui.widgets.confirm_box import ConfirmBox


class ReviewBox(ConfirmBox):
    """The same paragraphs, with Enter for yes."""

    def keys(self) -> Line:
        return line(
            " ",
            (f" {self.verb} ", Role.CHOSEN),
            ("  enter", Role.KEY),
            "      ",
            ("esc", Role.KEY),
            ("  cancel", Role.DIM),
        )


class ReviewScreen(ModalScreen[bool]):
    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "answer(True)", "do it", show=False),
        Binding("escape,n,q", "answer(False)", "cancel", show=False),
    ]

    def __init__(self, title: str, target: str, effects: Sequence[str], verb: str) -> None:
        super().__init__()
        self._box = ReviewBox(title, target, effects, verb)

    def compose(self) -> ComposeResult:
        yield self._box

    def action_answer(self, yes: bool) -> None:
        self.dismiss(yes)
