"""How benches look: their state in a word, how far they are, and which colour is whose."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from vconsole.requests.bench.kept import Bench, BenchState
from vconsole.requests.bench.points import Point, load_words
from vconsole.supervisor.jobs.model import JobStatus
from vconsole.tui.drawing import figures
from vconsole.tui.drawing.looks import Look
from vconsole.tui.drawing.text import Role
from vconsole.tui.rows.job_look import LOOKS as OF_JOBS
from vconsole.tui.rows.job_look import UNKNOWN, is_over

BROKEN_OFF = Look("broken off", "cross", Role.WARN)
# Of one contender after the other; the marks of the plot tell them apart without colour.
CURVES = (Role.ACCENT, Role.GOOD, Role.WARN, Role.BAD, Role.STRONG, Role.DIM)


@dataclass(frozen=True, slots=True)
class BenchRow:
    """A kept bench and the job that measures it, where one is remembered."""

    bench: Bench
    job: JobStatus | None = None

    @property
    def id(self) -> str:
        return self.bench.id

    @property
    def is_under_way(self) -> bool:
        return self.job is not None and not is_over(self.job)

    @property
    def look(self) -> Look:
        if self.job is not None and self.is_under_way:
            return OF_JOBS.get(self.job.state, UNKNOWN)
        running = self.bench.state is BenchState.RUNNING
        return BROKEN_OFF if running else OF_JOBS.get(self.bench.state.value, UNKNOWN)

    @property
    def share(self) -> float | None:
        """Of its measurements; while it runs, of its requests."""
        progress = self.job.progress if self.job and self.is_under_way else None
        if progress is not None and progress.total:
            return progress.done / progress.total
        spec = self.bench.spec
        wanted = len(spec.contenders) * len(spec.loads) * spec.repeats_each * (1 + spec.warm)
        return len(self.bench.measured) / wanted if wanted else None

    @property
    def words(self) -> str:
        """What it does now, or why it ended so."""
        if self.job is not None and self.is_under_way:
            return self.job.note or ""
        return self.bench.note or ""

    def when(self, now: datetime) -> str:
        begun = self.bench.begun_at.astimezone()
        same_day = begun.date() == now.astimezone().date()
        return begun.strftime("%H:%M" if same_day else "%d %b")

    @property
    def left(self) -> str:
        progress = self.job.progress if self.job and self.is_under_way else None
        return figures.span(progress.eta_s) if progress else ""


def rows_of(benches: Iterable[Bench], jobs: Iterable[JobStatus]) -> tuple[BenchRow, ...]:
    """The newest first; a job is a bench's by the file that it writes."""
    by_bench = {job.spec.output_path.stem: job for job in reversed(tuple(jobs))}
    return tuple(BenchRow(bench, by_bench.get(bench.id)) for bench in benches)


def loads_words(bench: Bench) -> str:
    return " ".join(load_words(load) for load in bench.spec.loads)


def by_load(bench: Bench, points: Iterable[Point]) -> list[Point]:
    """Load by load, contenders beside each other."""
    loads = list(bench.spec.loads)
    return sorted(points, key=lambda p: loads.index(p.load) if p.load in loads else len(loads))
