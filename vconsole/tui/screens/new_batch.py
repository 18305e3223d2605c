"""A new batch: what is asked, of which file, with which parameters; checked before it is queued."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label

from vconsole.supervisor.client import SupervisorClient
from vconsole.supervisor.jobs.model import JobRequest
from vconsole.tui.batch_fields import FIELDS, PATHS, FieldError, job_of
from vconsole.tui.path_completion import completed
from vconsole.tui.screens.batch_check import BatchCheckScreen
from vconsole.tui.widgets.field import Field

KEYS = "enter checks and previews  tab completes, next field  esc leaves"


class NewBatchScreen(ModalScreen[JobRequest | None]):
    """Answers with the job to queue, or None where the user gave it up."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "give_up", show=False),
        Binding("tab", "complete", show=False, priority=True),
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
    ]

    def __init__(self, client: SupervisorClient, server: str, now: datetime) -> None:
        super().__init__()
        self._client, self._server, self._now = client, server, now

    def compose(self) -> ComposeResult:
        with Vertical(id="batch-box") as box:
            box.border_title = "New batch"
            box.border_subtitle = KEYS
            for id, label, placeholder in FIELDS:
                with Horizontal(classes="field"):
                    yield Label(label)
                    yield Field(id=f"batch-{id}", placeholder=placeholder)
            yield Label("", id="batch-hint", markup=False)

    def on_mount(self) -> None:
        self.query_one("#batch-input").focus()

    def _say(self, text: str) -> None:
        self.query_one("#batch-hint", Label).update(text)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        self._say("")

    def action_complete(self) -> None:
        """Complete a path as far as it is certain; else to the next field."""
        field = self.focused
        if isinstance(field, Input) and field.id and field.id[6:] in PATHS and field.value:
            text, others = completed(field.value)
            if text != field.value:
                field.value = text
                field.cursor_position = len(text)
                self._say("  ".join(others))
                return
        self.focus_next()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        values = {id: self.query_one(f"#batch-{id}", Input).value for id, *_ in FIELDS}
        try:
            request = job_of(values, self._server, self._now)
        except FieldError as error:
            self.query_one(f"#batch-{error.field}").focus()
            text = f"{error.message}\n{error.remedy or ''}".strip()
            self.notify(text, severity="warning", markup=False)
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self.dismiss(request)

        self.app.push_screen(BatchCheckScreen(self._client, request), answered)

    def action_give_up(self) -> None:
        self.dismiss(None)
