"""The list of batches: those to be done in the queue's order, then those that are over."""

from __future__ import annotations

from collections.abc import Sequence

from vconsole.supervisor.jobs.model import JobStatus
from vconsole.tui.actions import key_for
from vconsole.tui.drawing import figures
from vconsole.tui.drawing.text import Line, Role, fit, line
from vconsole.tui.rows.job_look import is_over, look_of_job, share_done, when
from vconsole.tui.widgets.pick_list import PickList

COUNTS_FROM_CELLS = 100


class JobList(PickList[JobStatus]):
    rows_above = 1

    def name_of(self, item: JobStatus) -> str:
        return item.id

    def heading(self) -> tuple[Line, Line]:
        ahead = sum(1 for job in self.items or () if not is_over(job))
        note = f"{ahead} to be done" if ahead else ""
        return line(("Batches", Role.STRONG)), line((note, Role.DIM))

    def body(self, width: int, height: int) -> Sequence[Line]:
        if self.items is None or self.view is None:
            return [line(("One moment: asking the supervisor.", Role.DIM))]
        if not self.items:
            key = key_for(self.view, "batch.new")
            return [
                line(
                    "No batch yet.  ", (key, Role.KEY), (" begins one from a file, or:", Role.DIM)
                ),
                line(("vconsole batch run requests.jsonl -o answers.jsonl", Role.STRONG)),
            ]
        shown = self.in_sight(height - self.rows_above)
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
