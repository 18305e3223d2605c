"""The latest results of a batch in full, one after another, as a dialog."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from vconsole.tui.background.batching import JobsLook
from vconsole.tui.widgets.result_view import ResultView


class ResultsScreen(ModalScreen[None]):
    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "close", show=False),
        Binding("left,left_square_bracket,p", "step(-1)", show=False),
        Binding("right,right_square_bracket,n", "step(1)", show=False),
        Binding("up,k", "scroll(-1)", show=False),
        Binding("down,j", "scroll(1)", show=False),
        Binding("pageup", "scroll(-10)", show=False),
        Binding("pagedown,space", "scroll(10)", show=False),
        Binding("y", "copy", show=False),
    ]

    def __init__(self, look: JobsLook) -> None:
        super().__init__()
        self._view = ResultView(look)

    def compose(self) -> ComposeResult:
        yield self._view

    def action_step(self, step: int) -> None:
        self._view.step(step)

    def action_scroll(self, rows: int) -> None:
        self._view.scroll_rows(rows)

    def action_copy(self) -> None:
        result = self._view.result
        if result is not None:
            self._view.console_app.copy(result.text, "result")

    def action_close(self) -> None:
        self.dismiss(None)
