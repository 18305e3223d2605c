"""Each check of the smoke test with its time, the chosen one's words in full, and the verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

from vconsole.supervisor.model import Operation, OperationState, SmokeReport
from vconsole.tui.drawing import figures
from vconsole.tui.drawing.text import Line, Role, line, plain, spread, wrap
from vconsole.tui.view import View
from vconsole.tui.widgets.panel import Panel

NAME_CELLS = 13
TIME_CELLS = 8
DETAIL_ROWS = 3
# A test that was refused never begins.
PATIENCE_S = 3.0


@dataclass(frozen=True, slots=True)
class Shown:
    """One check as it is drawn, of the running test or of the report."""

    name: str
    passed: bool
    ms: float
    detail: str
    before_ms: float | None = None
    slower: bool = False


class SmokeBox(Panel):
    """After `begin` a test has been asked for, and what was known before is not shown."""

    def __init__(self, view: View) -> None:
        super().__init__()
        self.view = view
        self.chosen = 0
        self._known: str | None = None
        self._asked_s = -PATIENCE_S

    def begin(self) -> None:
        self._known = self.operation.id if self.operation else None
        self._asked_s = monotonic()

    @property
    def operation(self) -> Operation | None:
        """The latest smoke test of the server that is looked at, running or not."""
        status = self.view.status if self.view else None
        found = (o for o in (status.operations if status else ()) if o.kind == "smoke")
        return next((o for o in found if status and o.server == status.server.name), None)

    @property
    def awaited(self) -> bool:
        """Whether the test that was asked for has still to begin."""
        known = self.operation.id if self.operation else None
        return known == self._known and monotonic() - self._asked_s < PATIENCE_S

    @property
    def running(self) -> bool:
        operation = self.operation
        return self.awaited or (operation is not None and operation.state is OperationState.RUNNING)

    @property
    def report(self) -> SmokeReport | None:
        return self.view.status.smoke if self.view and self.view.status else None

    def checks(self) -> list[Shown]:
        operation, report = self.operation, self.report
        if self.awaited:
            return []
        if operation is not None and (self.running or report is None):
            return [
                Shown(step.name, bool(step.ok), (step.seconds or 0) * 1000, step.detail or "")
                for step in operation.steps
            ]
        return [
            Shown(c.name, c.passed, c.ms, c.detail, c.before_ms, c.slower)
            for c in (report.checks if report else ())
        ]

    def move(self, step: int) -> None:
        self.chosen = min(max(0, self.chosen + step), max(0, len(self.checks()) - 1))
        self.redraw()

    def heading(self) -> tuple[Line, Line]:
        keys = (("↑↓", " detail  "), ("t", " again  "), ("esc", " closes"))
        note = [part for key, word in keys for part in ((key, Role.KEY), (word, Role.DIM))]
        return line(("Smoke test", Role.STRONG), self._of()), line(*note)

    def _of(self) -> Line:
        model = self.view.model if self.view else None
        return line((f"  {model}", Role.DIM)) if model else ()

    def body(self, width: int, height: int) -> Sequence[Line]:
        checks = self.checks()
        self.chosen = min(self.chosen, max(0, len(checks) - 1))
        room = height - DETAIL_ROWS - 2
        top = max(0, self.chosen - room + 1)
        rows = [self._check(place, check, width) for place, check in enumerate(checks)]
        rows = rows[top : top + room]
        rows += [()] * (room - len(rows) + 1)
        return [*rows, *self._detail(checks, width), *self._verdict(width)]

    def _check(self, place: int, check: Shown, width: int) -> Line:
        here = place == self.chosen and not self.running
        mark = (self.glyphs.tick, Role.GOOD) if check.passed else (self.glyphs.cross, Role.BAD)
        time_role = Role.WARN if check.slower else Role.DIM
        left = line(
            (f"{self.glyphs.arrow if here else ' '} ", Role.ACCENT),
            mark,
            (f" {check.name:<{NAME_CELLS}}", Role.STRONG if here else Role.TEXT),
            (f"{figures.latency(check.ms):>{TIME_CELLS}}  ", time_role),
            (check.detail, Role.DIM if check.passed else Role.BAD),
        )
        was = f" was {figures.latency(check.before_ms)}" if check.slower else ""
        return spread(left, line((was, Role.WARN)), width)

    def _detail(self, checks: list[Shown], width: int) -> list[Line]:
        rows = wrap(checks[self.chosen].detail, width) if checks and not self.running else []
        shown = [line((row, Role.TEXT)) for row in rows[:DETAIL_ROWS]]
        return shown + [()] * (DETAIL_ROWS - len(shown))

    def _verdict(self, width: int) -> list[Line]:
        report, operation = self.report, self.operation
        if self.running or report is None:
            if operation is not None and operation.error and not self.running:
                return [line((f"{self.glyphs.cross} {operation.error.message}", Role.BAD))]
            mark = (f"{self.glyphs.half} ", Role.WARN)
            return [line(mark, ("testing; closing this stops nothing", Role.DIM))]
        took = f"in {figures.seconds(report.seconds)} at {figures.clock(report.at)}"
        if report.passed:
            word = line((f"{self.glyphs.tick} smoke test passed ", Role.GOOD_STRONG), took)
        else:
            word = line((f"{self.glyphs.cross} smoke test did not pass ", Role.BAD_STRONG), took)
        return [spread(word, self._compared(report), width)]

    def _compared(self, report: SmokeReport) -> Line:
        if report.before_at is None:
            return line((" the first good one here" if report.passed else "", Role.DIM))
        before = f"last good one {figures.seconds(report.before_seconds)}"
        if report.slower:
            return line(
                (f" {self.glyphs.warning} slower: {len(report.slower)};", Role.WARN),
                (f" {before}", Role.DIM),
            )
        return line((f" {before}", Role.DIM))

    def as_text(self) -> str:
        lines = [
            f"{'passed' if check.passed else 'FAILED'}  {check.name:<{NAME_CELLS}}"
            f" {figures.latency(check.ms):>{TIME_CELLS}}  {check.detail}"
            for check in self.checks()
        ]
        return "\n".join([*lines, plain(self._verdict(100)[0]).strip()])
