"""Asks which model to start or to swap to."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label

from vconsole.tui.widgets.field import Field


class ModelScreen(ModalScreen[str | None]):
    """Answers with a name or a path, or None where the user gave it up."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "give_up", "cancel", show=False),
    ]

    def __init__(
        self, title: str = "Start a server", keys: str = "enter starts, esc cancels"
    ) -> None:
        super().__init__()
        self._title = title
        self._keys = keys

    def compose(self) -> ComposeResult:
        with Vertical(id="model-box") as box:
            box.border_title = self._title
            box.border_subtitle = self._keys
            yield Label("Model: a profile, a folder here, or a name on Hugging Face")
            yield Field(placeholder="for example /srv/models/mistral-7b")
            yield Label("`vconsole demo` brings a small model of its own.", markup=False)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        if event.value.strip():
            self.dismiss(event.value.strip())

    def action_give_up(self) -> None:
        self.dismiss(None)
