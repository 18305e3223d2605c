"""The last look before a batch is queued; Enter queues it, for it destroys nothing."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from vconsole.supervisor.client import SupervisorClient
from vconsole.supervisor.jobs.model import JobRequest
from vconsole.tui.background.previewing import (
    InputChecked,
    PreviewArrived,
    PreviewFailed,
    Previewing,
)
from vconsole.tui.widgets.preview_box import PreviewBox

PAGE = 10


class BatchCheckScreen(ModalScreen[bool]):
    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "answer(True)", show=False),
        Binding("escape", "answer(False)", show=False),
        Binding("up,k", "scroll(-1)", show=False),
        Binding("down,j", "scroll(1)", show=False),
        Binding("pageup", f"scroll(-{PAGE})", show=False),
        Binding("pagedown", f"scroll({PAGE})", show=False),
    ]

    def __init__(self, client: SupervisorClient, request: JobRequest) -> None:
        super().__init__()
        self._request = request
        self._box = PreviewBox(request.spec.input_path.name)
        self._previewing = Previewing(self, client, request)

    def compose(self) -> ComposeResult:
        yield self._box

    def on_mount(self) -> None:
        self._previewing.begin()

    def on_unmount(self) -> None:
        self._previewing.stop()

    @on(InputChecked)
    def _checked(self, message: InputChecked) -> None:
        self._box.checked = message.checked
        self._box.may_run = message.checked.good > 0
        self._box.redraw()

    @on(PreviewArrived)
    def _arrived(self, message: PreviewArrived) -> None:
        self._box.preview = message.preview
        self._box.redraw()

    @on(PreviewFailed)
    def _failed(self, message: PreviewFailed) -> None:
        """A batch for later may be queued although nobody can be asked now."""
        self._box.error = message.error
        later = self._request.not_before is not None and message.error.kind == "not_running"
        self._box.may_run = self._box.may_run or later
        self._box.redraw()

    def action_answer(self, yes: bool) -> None:
        if not yes or self._box.may_run:
            self.dismiss(yes)

    def action_scroll(self, rows: int) -> None:
        self._box.scroll_rows(rows)
