"""Asks which model to start, where none is known yet."""

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

    def compose(self) -> ComposeResult:
        with Vertical(id="model-box") as box:
            box.border_title = "Start a server"
            box.border_subtitle = "enter starts, esc cancels"
            yield Label("Model: a folder here, or a name on Hugging Face")
            yield Field(placeholder="for example /srv/models/mistral-7b")
            yield Label("`vconsole demo` brings a small model of its own.", markup=False)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        if event.value.strip():
            self.dismiss(event.value.strip())

    def action_give_up(self) -> None:
        self.dismiss(None)
