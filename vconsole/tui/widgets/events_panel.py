"""What is being done and what happened: the running operation, then results and transitions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from vconsole.supervisor.model import Operation, OperationState, Status, Transition
from vconsole.tui import figures
from vconsole.tui.looks import STATES
from vconsole.tui.text import Line, Role, line, spread
from vconsole.tui.widgets.panel import Panel

Event = tuple[datetime, Line, str]


class EventsPanel(Panel):
    def heading(self) -> tuple[Line, Line]:
        return line(("Events", Role.STRONG)), ()

    def body(self, width: int, height: int) -> Sequence[Line]:
        view = self.view
        if view is None or view.status is None:
            return ()
        rows = [row for operation in _running(view.status) for row in self._doing(operation, width)]
        events = sorted(self._events(view.status), key=lambda event: event[0], reverse=True)
        for at, text, note in events[: height - len(rows)]:
            left = line((f"{figures.clock(at)} ", Role.DIM), text)
            rows.append(spread(left, line((f" {note}" if note else "", Role.DIM)), width))
        return rows or [line(("Nothing has happened yet.", Role.DIM))]

    def _doing(self, operation: Operation, width: int) -> list[Line]:
        step = operation.steps[-1] if operation.steps else None
        name = step.name if step else "begins"
        done = sum(1 for each in operation.steps if each.ok)
        elapsed = (self.view.now - operation.started_at).total_seconds() if self.view else None
        left = line((f"{self.glyphs.running} {_kind(operation)}", Role.ACCENT), f"  {name}")
        count = f"{done} of {len(operation.steps)}  " if len(operation.steps) > 1 else ""
        return [spread(left, line((f" {count}{figures.seconds(elapsed)}", Role.DIM)), width)]

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
                yield operation.ended_at, line((glyph, role), f" {_kind(operation)}: {message}"), ""

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


def _kind(operation: Operation) -> str:
    return {"smoke": "smoke test"}.get(operation.kind, operation.kind)
