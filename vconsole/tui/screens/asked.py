"""The history of requests as a dialog: type to search, Enter takes one to send again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from vconsole.tui.requests.exchange import Exchange
from vconsole.tui.widgets.asked_list import AskedList
from vconsole.tui.widgets.field import Field

PAGE = 10


class AskedScreen(ModalScreen[str | None]):
    """Answers with the id of an exchange, or None where the user gave it up."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "give_up", show=False),
        Binding("up", "move(-1)", show=False),
        Binding("down,ctrl+r", "move(1)", show=False),
        Binding("pageup", f"move(-{PAGE})", show=False),
        Binding("pagedown", f"move({PAGE})", show=False),
    ]

    def __init__(self, exchanges: Sequence[Exchange]) -> None:
        super().__init__()
        self._list = AskedList(exchanges)

    def compose(self) -> ComposeResult:
        with Vertical(id="asked-box") as box:
            box.border_title = "Find what was asked"
            box.border_subtitle = "enter takes it, esc closes"
            yield Field(placeholder="words of the prompt or of the answer")
            yield self._list

    @on(Input.Changed)
    def _search(self, event: Input.Changed) -> None:
        self._list.search(event.value)

    @on(Input.Submitted)
    def _take(self) -> None:
        self.dismiss(self._list.chosen_id)

    def action_move(self, step: int) -> None:
        self._list.move(step)

    def action_give_up(self) -> None:
        self.dismiss(None)
