"""Ollama's models with what vLLM would serve in their place; answers with the one to plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from vconsole.supervisor.ollama.equivalents import Equivalent
from vconsole.tui.widgets.equivalents_box import EquivalentsBox


class EquivalentsScreen(ModalScreen[str | None]):
    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "give_up", show=False),
        Binding("enter", "choose", show=False),
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j,tab", "move(1)", show=False),
    ]

    def __init__(self, found: Sequence[Equivalent]) -> None:
        super().__init__()
        self._box = EquivalentsBox(found)

    def compose(self) -> ComposeResult:
        yield self._box

    def action_move(self, step: int) -> None:
        self._box.move(step)

    def action_choose(self) -> None:
        repository = self._box.marked.repository
        if repository is None:
            self.notify("What it was made of is not known, so there is nothing to plan.")
        else:
            self.dismiss(repository)

    def action_give_up(self) -> None:
        self.dismiss(None)
