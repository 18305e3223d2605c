"""Asks how many requests of a batch may be in flight at once."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label

from vconsole.tui.widgets.field import Field


class AtOnceScreen(ModalScreen[int | None]):
    """Answers with a number, 0 for auto, or None where the user gave it up."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "give_up", show=False)]

    def __init__(self, job_id: str, now: int | None) -> None:
        super().__init__()
        self._job_id = job_id
        self._now = "auto" if now is None else str(now)

    def compose(self) -> ComposeResult:
        with Vertical(id="at-once-box") as box:
            box.border_title = f"Requests at once of {self._job_id}"
            box.border_subtitle = "enter sets it, esc cancels"
            yield Label("A number, or auto: as many as keep the engine full", markup=False)
            yield Field(self._now, id="at-once")

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        text = event.value.strip()
        if text == "auto":
            self.dismiss(0)
        elif text.isascii() and text.isdigit() and 1 <= int(text) <= 4096:
            self.dismiss(int(text))
        else:
            self.notify("1 to 4096, or auto", severity="warning", markup=False)

    def action_give_up(self) -> None:
        self.dismiss(None)
