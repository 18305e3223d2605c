"""The list of batches: those to be done in the queue's order, then those that are over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from vconsole.supervisor.jobs.model import JobStatus
from vconsole.tui import figures
from vconsole.tui.actions import key_for
from vconsole.tui.job_look import is_over, look_of_job, share_done, when
from vconsole.tui.text import Line, Role, fit, line
from vconsole.tui.widgets.panel import Panel

COUNTS_FROM_CELLS = 100
WHEEL_ROWS = 3


class JobList(Panel, can_focus=True):
    """`cursor` is a position in `jobs`; None until the supervisor was asked."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "move(-10)", show=False),
        Binding("pagedown", "move(10)", show=False),
        Binding("home", "move(-100000)", show=False),
        Binding("end", "move(100000)", show=False),
    ]

    class Moved(Message):
        """Another job is marked."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.jobs: tuple[JobStatus, ...] | None = None
        self.cursor = 0
        self.top = 0

    @property
    def marked(self) -> JobStatus | None:
        return self.jobs[min(self.cursor, len(self.jobs) - 1)] if self.jobs else None

    def show_jobs(self, jobs: tuple[JobStatus, ...]) -> None:
        """Draw them, keeping the marked one marked wherever it stands now."""
        before = self.marked
        self.jobs = jobs
        self.cursor = min(self.cursor, max(0, len(jobs) - 1))
        if before is not None:
            self.mark(before.id)
        self.redraw()

    def mark(self, job_id: str) -> None:
        ids = [job.id for job in self.jobs or ()]
        if job_id in ids:
            self.cursor = ids.index(job_id)
            self.redraw()

    def heading(self) -> tuple[Line, Line]:
        ahead = sum(1 for job in self.jobs or () if not is_over(job))
        note = f"{ahead} to be done" if ahead else ""
        return line(("Batches", Role.STRONG)), line((note, Role.DIM))

    def body(self, width: int, height: int) -> Sequence[Line]:
        if self.jobs is None or self.view is None:
            return [line(("One moment: asking the supervisor.", Role.DIM))]
        if not self.jobs:
            key = key_for(self.view, "batch.new")
            return [
                line(
                    "No batch yet.  ", (key, Role.KEY), (" begins one from a file, or:", Role.DIM)
                ),
                line(("vconsole batch run requests.jsonl -o answers.jsonl", Role.STRONG)),
            ]
        room = max(1, height - 1)
        self.top = max(self.cursor - room + 1, min(self.top, self.cursor))
        self.top = max(0, min(self.top, len(self.jobs) - room))
        shown = self.jobs[self.top : self.top + room]
        rows = [self._row(job, width, self.top + y) for y, job in enumerate(shown)]
        return [self._columns(width), *rows]

    def _columns(self, width: int) -> Line:
        head = fit(line((f"  {'id':<5}{'state':<11}input", Role.DIM)), self._title_end(width))
        counts = f"{'done of total':>24}" if width >= COUNTS_FROM_CELLS else ""
        return line(head, (f"{counts}{'':>6}{'failed':>9}{'left':>9}{'pri':>5}{'wt':>6}", Role.DIM))

    def _title_end(self, width: int) -> int:
        return width - 35 - (24 if width >= COUNTS_FROM_CELLS else 0)

    def _row(self, job: JobStatus, width: int, position: int) -> Line:
        marked = position == self.cursor
        look, progress = look_of_job(job), job.progress
        role = Role.MARKED if marked else Role.DIM if is_over(job) else Role.TEXT
        failed = progress.failed if progress else 0
        now = self.view.now if self.view else job.created_at
        room = self._title_end(width) - 18
        name = fit(line((f"{job.spec.input_path.name:<{room}}", role)), room, self.glyphs.ellipsis)
        counts = ""
        if width >= COUNTS_FROM_CELLS:
            of = f"{progress.done:,} of {progress.total:,}" if progress else figures.UNKNOWN
            counts = f"{of:>24}"
        return line(
            (f"{look.symbol(self.glyphs)} ", look.role),
            (f"{job.id:<5}", role),
            (f"{look.word:<11}", look.role),
            name,
            (f"{counts}{figures.percent(share_done(job)):>6}", role),
            (f"{failed:>9,}" if failed else f"{'0':>9}", Role.BAD if failed else Role.DIM),
            (f"{when(job, now):>9}", role),
            (f"{job.priority:>5}{job.weight:>6g}", role),
        )

    def action_move(self, step: int) -> None:
        last = max(0, len(self.jobs or ()) - 1)
        self.cursor = max(0, min(self.cursor + step, last))
        self.redraw()
        self.post_message(self.Moved())

    def on_mouse_scroll_up(self) -> None:
        self.action_move(-WHEEL_ROWS)

    def on_mouse_scroll_down(self) -> None:
        self.action_move(WHEEL_ROWS)

    def on_click(self, event: events.Click) -> None:
        at = event.y - 2 + self.top
        if event.y >= 2 and at < len(self.jobs or ()):
            self.action_move(at - self.cursor)
