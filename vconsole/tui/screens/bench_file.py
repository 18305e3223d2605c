"""Asks for the file that a bench is written to; its ending says as what."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label

from vconsole.errors import VConsoleError
from vconsole.requests.bench.files import KINDS, kind_of
from vconsole.tui.terminal.path_completion import completed
from vconsole.tui.widgets.field import Field


class BenchFileScreen(ModalScreen[Path | None]):
    """Answers with a path whose ending is known, or None where the user gave it up."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "give_up", show=False),
        Binding("tab", "complete", show=False, priority=True),
    ]

    def __init__(self, bench_id: str) -> None:
        super().__init__()
        self._bench_id = bench_id

    def compose(self) -> ComposeResult:
        with Vertical(id="bench-file-box") as box:
            box.border_title = f"Write {self._bench_id} to a file"
            box.border_subtitle = "enter writes it, tab completes, esc cancels"
            yield Label(f"Its ending says as what: {', '.join(KINDS)}", markup=False)
            yield Field(f"{self._bench_id}.md", id="bench-file")

    def action_complete(self) -> None:
        field = self.query_one(Field)
        field.value, _ = completed(field.value)
        field.cursor_position = len(field.value)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        path = Path(event.value.strip()).expanduser()
        try:
            kind_of(path)
        except VConsoleError as error:
            text = f"{error.message}\n{error.remedy or ''}".strip()
            self.notify(text, severity="warning", markup=False)
            return
        self.dismiss(path)

    def action_give_up(self) -> None:
        self.dismiss(None)
