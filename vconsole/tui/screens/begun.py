"""The question before a batch goes on that was begun differently: go on, begin anew, or neither."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from vconsole.tui.drawing.text import Line, Role, line
from vconsole.tui.widgets.confirm_box import ConfirmBox

EFFECTS = (
    "Going on keeps the answers that are there and asks what is left, as it is asked now.",
    "Beginning anew moves them aside, to a name that ends in .previous.",
)


class BegunBox(ConfirmBox):
    """A question with two ways on."""

    def keys(self) -> Line:
        return line(
            " ",
            (" Cancel ", Role.CHOSEN),
            ("  enter, esc", Role.DIM),
            "    ",
            ("g", Role.KEY),
            ("  go on", Role.TEXT),
            "    ",
            ("r", Role.KEY),
            ("  begin anew", Role.TEXT),
        )


class BegunScreen(ModalScreen[str | None]):
    """Answers with `continue` or `restart`, or None where the batch shall not run."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("g", "answer('continue')", show=False),
        Binding("r", "answer('restart')", show=False),
        Binding("enter,escape,n,q", "answer('')", show=False),
    ]

    def __init__(self, name: str, differences: Sequence[str]) -> None:
        super().__init__()
        self._box = BegunBox("It was begun differently", name, (*differences, *EFFECTS), "")

    def compose(self) -> ComposeResult:
        yield self._box

    def action_answer(self, word: str) -> None:
        self.dismiss(word or None)
