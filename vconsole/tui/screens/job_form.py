"""The form of a job: a field a row, paths completed, looked at once more before it is queued."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label

from vconsole.errors import VConsoleError
from vconsole.supervisor.jobs.model import JobRequest
from vconsole.tui.forms.batch_fields import FieldError
from vconsole.tui.terminal.path_completion import completed
from vconsole.tui.widgets.field import Field

PREFIX = "job-"


@dataclass(frozen=True, slots=True)
class Form:
    """What is asked: fields of id, label and example, some of which are `paths`.

    `request_of` makes the job of what was typed, or raises what is wrong with it; `review_of` is
    the last look, and True from it queues the job.
    """

    title: str
    keys: str
    fields: Sequence[tuple[str, str, str]]
    paths: Collection[str]
    request_of: Callable[[Mapping[str, str]], JobRequest]
    review_of: Callable[[JobRequest], ModalScreen[bool]]
    values: Mapping[str, str] = field(default_factory=dict)


class JobFormScreen(ModalScreen[JobRequest | None]):
    """Answers with the job to queue, or None where the user gave it up."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "give_up", show=False),
        Binding("tab", "complete", show=False, priority=True),
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
    ]

    def __init__(self, form: Form) -> None:
        super().__init__()
        self._form = form

    def compose(self) -> ComposeResult:
        with Vertical(id="job-form") as box:
            box.border_title = self._form.title
            box.border_subtitle = self._form.keys
            for id, label, placeholder in self._form.fields:
                with Horizontal(classes="field"):
                    yield Label(label)
                    value = self._form.values.get(id, "")
                    yield Field(value, id=f"{PREFIX}{id}", placeholder=placeholder)
            yield Label("", id="job-hint", markup=False)

    def on_mount(self) -> None:
        self._field(self._form.fields[0][0]).focus()

    def _field(self, id: str) -> Input:
        return self.query_one(f"#{PREFIX}{id}", Input)

    def _say(self, text: str) -> None:
        self.query_one("#job-hint", Label).update(text)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        self._say("")

    def action_complete(self) -> None:
        """Complete a path as far as it is certain; else to the next field."""
        at = self.focused
        if isinstance(at, Input) and (at.id or "")[len(PREFIX) :] in self._form.paths and at.value:
            text, others = completed(at.value)
            if text != at.value:
                at.value = text
                at.cursor_position = len(text)
                self._say("  ".join(others))
                return
        self.focus_next()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        try:
            request = self._form.request_of(
                {id: self._field(id).value for id, *_ in self._form.fields}
            )
        except VConsoleError as error:
            if isinstance(error, FieldError):
                self._field(error.field).focus()
            text = f"{error.message}\n{error.remedy or ''}".strip()
            self.notify(text, severity="warning", markup=False)
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self.dismiss(request)

        self.app.push_screen(self._form.review_of(request), answered)

    def action_give_up(self) -> None:
        self.dismiss(None)
