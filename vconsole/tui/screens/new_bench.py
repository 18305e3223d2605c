"""A new bench: under which loads, with which prompts, against whom; shown before it is queued."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label

from vconsole.errors import VConsoleError
from vconsole.requests.bench.plan import BenchSpec, steps
from vconsole.requests.bench.points import load_words
from vconsole.supervisor.jobs.asked_bench import command_of
from vconsole.supervisor.jobs.model import JobRequest
from vconsole.tui import figures
from vconsole.tui.batch_fields import FieldError
from vconsole.tui.bench_fields import FIELDS, PATHS, asked_of
from vconsole.tui.path_completion import completed
from vconsole.tui.screens.review import ReviewScreen
from vconsole.tui.widgets.field import Field

KEYS = "enter shows what will run  tab next field  esc leaves"
PREFIX = "bench-"


class NewBenchScreen(ModalScreen[JobRequest | None]):
    """Answers with the job to queue, or None where the user gave it up."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "give_up", show=False),
        Binding("tab", "complete", show=False, priority=True),
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
    ]

    def __init__(self, server: str, values: Mapping[str, str]) -> None:
        super().__init__()
        self._server, self._values = server, values

    def compose(self) -> ComposeResult:
        with Vertical(id="bench-box") as box:
            box.border_title = f"New bench of {self._server}"
            box.border_subtitle = KEYS
            for id, label, placeholder in FIELDS:
                with Horizontal(classes="field"):
                    yield Label(label)
                    value = self._values.get(id, "")
                    yield Field(value, id=f"{PREFIX}{id}", placeholder=placeholder)
            yield Label("", id="bench-hint", markup=False)

    def on_mount(self) -> None:
        self.query_one(f"#{PREFIX}{FIELDS[0][0]}").focus()

    def _say(self, text: str) -> None:
        self.query_one("#bench-hint", Label).update(text)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        self._say("")

    def action_complete(self) -> None:
        """Complete a path as far as it is certain; else to the next field."""
        field = self.focused
        if isinstance(field, Input) and (field.id or "")[len(PREFIX) :] in PATHS and field.value:
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
        values = {id: self.query_one(f"#{PREFIX}{id}", Input).value for id, *_ in FIELDS}
        try:
            request = asked_of(values, self._server).request()
        except VConsoleError as error:
            if isinstance(error, FieldError):
                self.query_one(f"#{PREFIX}{error.field}").focus()
            text = f"{error.message}\n{error.remedy or ''}".strip()
            self.notify(text, severity="warning", markup=False)
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self.dismiss(request)

        assert request.bench is not None
        question = ReviewScreen(
            "Measure this?", _measured(request.bench), effects_of(request.bench), "measure"
        )
        self.app.push_screen(question, answered)

    def action_give_up(self) -> None:
        self.dismiss(None)


def effects_of(spec: BenchSpec) -> list[str]:
    """What it does to the server, and the command that does the same."""
    every = list(steps(spec))
    requests = sum(step.load.requests + step.load.warm_up for step in every)
    told = [
        f"{figures.plural(len(every), 'measurement')}: {spec.repeats_each} of each load"
        f" ({', '.join(load_words(load) for load in spec.loads)}), {requests:,} requests in all.",
        "Batches wait meanwhile; requests of others make the figures worse, and are told.",
    ]
    if spec.profiles:
        told.append("The server is swapped to each profile in turn, and back to what runs now.")
    return [*told, f"The same as: {command_of(spec)}"]


def _measured(spec: BenchSpec) -> str:
    return " against ".join(spec.contenders)
