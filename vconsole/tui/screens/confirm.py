"""The question before a dangerous action: what it concerns, what happens, and Cancel as default."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from vconsole.tui.widgets.confirm_box import ConfirmBox


class ConfirmScreen(ModalScreen[bool]):
    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "do it", show=False),
        Binding("enter,escape,n,q", "answer(False)", "cancel", show=False),
    ]

    def __init__(self, title: str, target: str, effects: Sequence[str], verb: str) -> None:
        super().__init__()
        self.box = ConfirmBox(title, target, effects, verb)

    def compose(self) -> ComposeResult:
        yield self.box

    def action_answer(self, yes: bool) -> None:
        self.dismiss(yes)
