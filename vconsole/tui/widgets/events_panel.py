"""What is being done and what happened: the running operation, then results and transitions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from textual import events

from vconsole.supervisor.model import Job, Operation, OperationState, Status, Step, Transition
from vconsole.tui.actions import key_for
from vconsole.tui.drawing import figures
from vconsole.tui.drawing.looks import STATES
from vconsole.tui.drawing.text import Line, Role, line, spread
from vconsole.tui.rows.job_rows import is_shown, job_rows
from vconsole.tui.screens.showing_a_job import show_job
from vconsole.tui.widgets.panel import Panel

Event = tuple[datetime, Line, str]
ROOMY = 44
ROWS_OF_A_JOB = 2
SHOWN_STEPS = 4
KINDS = {"smoke": "smoke test"}


class EventsPanel(Panel, can_focus=True):
    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._jobs_from = 0

    def heading(self) -> tuple[Line, Line]:
        key = key_for(self.view, "events") if self.view else ""
        title = "Jobs and events" if self.shown_jobs else "Events"
        return line((title, Role.STRONG)), line((key, Role.KEY), (" all of them", Role.DIM))

    def body(self, width: int, height: int) -> Sequence[Line]:
        view = self.view
        if view is None or view.status is None:
            return ()
        rows = [row for operation in _running(view.status) for row in self._doing(operation, width)]
        self._jobs_from = len(rows)
        rows += [row for job in self.shown_jobs for row in job_rows(job, width, self.glyphs)]
        rows += self._foreign(view.status, width)
        happened = sorted(self._events(view.status), key=lambda event: event[0], reverse=True)
        for at, text, note in happened[: height - len(rows)]:
            left = line((f"{figures.clock(at)} ", Role.DIM), text)
            rows.append(spread(left, line((f" {note}" if note else "", Role.DIM)), width))
        return rows or [line(("Nothing has happened yet.", Role.DIM))]

    @property
    def shown_jobs(self) -> list[Job]:
        """The jobs that are still to be done."""
        status = self.view.status if self.view else None
        return [job for job in status.jobs if is_shown(job)] if status else []

    async def on_key(self, event: events.Key) -> None:
        """Enter goes to the jobs where there are any; `m` still shows the panel alone."""
        if event.key == "enter" and self.shown_jobs:
            event.stop()
            await show_job(self.console_app, self.shown_jobs[0].id)

    async def on_click(self, event: events.Click) -> None:
        """A click on one of the two rows of a job shows it."""
        place = (event.y - 1 - self._jobs_from) // ROWS_OF_A_JOB
        if 0 <= place < len(self.shown_jobs):
            event.stop()
            await show_job(self.console_app, self.shown_jobs[place].id)

    def _foreign(self, status: Status, width: int) -> list[Line]:
        """Servers of others, in one row: they may explain a full card."""
        if not status.foreign:
            return []
        first, *more = status.foreign
        held = first.gpu_memory_bytes or first.memory_bytes
        left = line(
            (f"{self.glyphs.ring} ", Role.DIM),
            f"{first.user}:{first.port} {first.model or ''}",
            (f" and {len(more)} more" if more else "", Role.DIM),
            ("  not ours" if width >= ROOMY else "", Role.DIM),
        )
        return [spread(left, line((f" {figures.gib(held)} GiB", Role.DIM)), width)]

    def _doing(self, operation: Operation, width: int) -> list[Line]:
        step = operation.steps[-1] if operation.steps else None
        name = step.name if step else "begins"
        done = sum(1 for each in operation.steps if each.ok)
        elapsed = (self.view.now - operation.started_at).total_seconds() if self.view else None
        left = line((f"{self.glyphs.running} {self._what(operation)}", Role.ACCENT), f"  {name}")
        count = f"{done} of {len(operation.steps)}  " if len(operation.steps) > 1 else ""
        head = spread(left, line((f" {count}{figures.seconds(elapsed)}", Role.DIM)), width)
        over = [each for each in operation.steps if each.ok is not None]
        shown = over[-SHOWN_STEPS:] if operation.kind == "swap" else []
        return [head, *(self._step(each, width) for each in shown)]

    def _step(self, step: Step, width: int) -> Line:
        glyph, role = self._mark(bool(step.ok))
        left = line("  ", (glyph, role), f" {step.name}")
        return spread(left, line((f" {figures.seconds(step.seconds)}", Role.DIM)), width)

    def _events(self, status: Status) -> Iterator[Event]:
        for transition in status.server.transitions:
            yield transition.at, self._transition(transition), ""
        if status.smoke:
            glyph, role = self._mark(status.smoke.passed)
            word = "passed" if status.smoke.passed else "did not pass"
            text = line((glyph, role), f" smoke test {word}")
            yield status.smoke.at, text, figures.seconds(status.smoke.seconds)
        for operation in status.operations:
            if operation.ended_at and operation.state is OperationState.FAILED:
                glyph, role = self._mark(False)
                message = operation.error.message if operation.error else "failed"
                yield (
                    operation.ended_at,
                    line((glyph, role), f" {self._what(operation)}: {message}"),
                    "",
                )

    def _what(self, operation: Operation) -> str:
        """Its kind, and whose it is where that is another server."""
        kind = KINDS.get(operation.kind, operation.kind)
        here = self.view is None or operation.server == self.view.name
        return kind if here else f"{kind} {operation.server}"

    def _transition(self, transition: Transition) -> Line:
        look = STATES[transition.state]
        return line(
            (look.symbol(self.glyphs), look.role),
            f" {transition.state}",
            (f"  {transition.cause}", Role.DIM),
        )

    def _mark(self, good: bool) -> tuple[str, Role]:
        return (self.glyphs.tick, Role.GOOD) if good else (self.glyphs.cross, Role.BAD)


def _running(status: Status) -> list[Operation]:
    return [each for each in status.operations if each.state is OperationState.RUNNING]
