"""One batch: how far it is, how fast, what became of its requests, what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vconsole import paths
from vconsole.requests.batch.model import Progress
from vconsole.supervisor.jobs.model import JobStatus
from vconsole.supervisor.telling.cost import Cost
from vconsole.tui.drawing import figures
from vconsole.tui.drawing.graph import bar
from vconsole.tui.drawing.text import Line, Role, cells, fit, line, wrap
from vconsole.tui.rows.job_look import is_over, look_of_job, share_done
from vconsole.tui.widgets.panel import Panel

LABEL_CELLS = 10
ROOMY_ROWS = 14
MOST_COST_ROWS = 3
SHORT = {"max_tokens": "longest", "temperature": "temp.", "endpoint": "asked as"}


class JobPanel(Panel):
    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.job: JobStatus | None = None
        self.cost: Cost | None = None

    def show_job(self, job: JobStatus | None, cost: Cost | None) -> None:
        self.job, self.cost = job, cost
        self.redraw()

    def heading(self) -> tuple[Line, Line]:
        job = self.job
        if job is None:
            return line(("Batch", Role.STRONG)), ()
        look = look_of_job(job)
        title = line((f"{job.id}  {job.spec.input_path.name}", Role.STRONG))
        return title, line((f"{look.symbol(self.glyphs)} {look.word}", look.role))

    def body(self, width: int, height: int) -> Sequence[Line]:
        job = self.job
        if job is None:
            return self._what_it_is(width)
        rows = [self._bar(job, width), *self._note(job, width), self._pace(job)]
        if job.progress is not None:
            rows += [self._outcome(job.progress), *self._failures(job.progress)]
            rows.append(self._tokens(job.progress))
        rows += [
            self._queue(job),
            *self._spent(width, MOST_COST_ROWS if height >= ROOMY_ROWS else 1),
            self._labelled("output", self._path(job.spec.output)),
        ]
        return [*rows, *self._more(job)] if height >= ROOMY_ROWS else rows

    def _what_it_is(self, width: int) -> list[Line]:
        words = (
            "A batch sends many requests to the server and keeps every answer as it arrives: whole"
            " requests in OpenAI's JSONL, prompts one a line, or rows of CSV, JSONL or Parquet with"
            " a template. Whatever dies meanwhile, it goes on where it was."
        )
        return [line((row, Role.DIM)) for row in wrap(words, width)]

    def _bar(self, job: JobStatus, width: int) -> Line:
        progress, share = job.progress, share_done(job)
        counted = f"{progress.done:,} of {progress.total:,}" if progress else "not begun"
        tail = line(f" {figures.percent(share):>5}", (f"  {counted}", Role.DIM))
        role = Role.ACCENT if job.state == "running" else Role.DIM
        return line(bar(share, max(4, width - cells(tail)), self.glyphs, role), tail)

    def _note(self, job: JobStatus, width: int) -> list[Line]:
        """What it waits for or why it ended, and what to do."""
        role = Role.BAD if job.state == "failed" else Role.WARN
        rows = [line((row, role)) for row in wrap(job.note, width)] if job.note else []
        return rows + [line((row, Role.DIM)) for row in wrap(job.remedy or "", width) if job.remedy]

    def _pace(self, job: JobStatus) -> Line:
        progress = job.progress
        if progress is None or progress.requests_per_s is None:
            return self._labelled("left", f"{figures.UNKNOWN}  no rate yet")
        rate = f"{figures.rate(progress.requests_per_s)} requests/s"
        if is_over(job):
            return self._labelled("took", f"{figures.seconds(progress.seconds)}  {rate} in all")
        over = f", as in the last {figures.seconds(progress.rate_window_s)}"
        return self._labelled("left", f"{figures.span(progress.eta_s)}  at {rate}{over}")

    def _outcome(self, progress: Progress) -> Line:
        """Whole answers apart from those that were cut off, empty, or none."""
        whole = progress.completed - progress.truncated - progress.empty
        parts = [
            (f"{whole:,} whole", Role.GOOD if whole else Role.DIM),
            (f"{progress.truncated:,} cut off", Role.WARN if progress.truncated else Role.DIM),
            (f"{progress.empty:,} empty", Role.WARN if progress.empty else Role.DIM),
            (f"{progress.failed:,} failed", Role.BAD if progress.failed else Role.DIM),
        ]
        return line(self._label("answers"), *(line(part, "  ") for part in parts))

    def _failures(self, progress: Progress) -> list[Line]:
        """By kind, the most frequent first."""
        kinds = sorted(progress.failures.items(), key=lambda kind: -kind[1])
        if not kinds:
            return []
        said = "  ".join(f"{count:,} {code}" for code, count in kinds)
        return [line(self._label("failures"), (said, Role.BAD))]

    def _tokens(self, progress: Progress) -> Line:
        rate = f"{figures.rate(progress.generation_tokens_per_s)} tok/s"
        made = f"{figures.compact(progress.generation_tokens)} generated"
        read = f"{figures.compact(progress.prompt_tokens)} prompt"
        return self._labelled("tokens", f"{rate}  {made}  {read}{_known(progress)}")

    def _spent(self, width: int, most: int) -> list[Line]:
        """The amount and what it rests on, in at most so many rows."""
        cost, room = self.cost, width - LABEL_CELLS
        if cost is None:
            return [self._labelled("cost", figures.UNKNOWN)]
        amount = figures.money(cost.amount, cost.currency)
        rows = wrap(f"{amount}  {cost.rests_on}", room)
        if len(rows) > most:
            rows = [*rows[: most - 1], " ".join(rows[most - 1 :])]
        shown = [fit(line(row), room, self.glyphs.ellipsis) for row in rows]
        labels = ["cost", *[""] * len(rows)]
        return [line(self._label(label), row) for label, row in zip(labels, shown, strict=False)]

    def _queue(self, job: JobStatus) -> Line:
        """How many requests are in flight, and how the job stands among others."""
        progress, fixed = job.progress, job.spec.concurrency
        of = f"{progress.in_flight} of {progress.concurrency}" if progress else "0"
        tuned = "auto" if fixed is None else "fixed"
        words = f"{of} in flight ({tuned})  priority {job.priority}  weight {job.weight:g}"
        return self._labelled("at once", words)

    def _more(self, job: JobStatus) -> list[Line]:
        """What only a tall panel has room for."""
        spec, progress = job.spec, job.progress
        rows = [
            self._labelled("errors", self._path(job.errors)),
            self._labelled("input", self._path(spec.input)),
        ]
        if progress and (progress.were_there or progress.retries):
            told = f"{progress.were_there:,} were there before  {progress.retries:,} sent again"
            rows.append(self._labelled("besides", told))
        given = {
            name: value
            for name, value in (*spec.parameters.items(), ("join", spec.join))
            if value not in (None, "", "auto", "{}")
        }
        rows += [self._labelled(SHORT.get(name, name), f"{given[name]}") for name in given]
        begun = figures.clock_seconds(job.started_at) if job.started_at else figures.UNKNOWN
        rows.append(self._labelled("begun", f"{begun}  pid {job.pid or figures.UNKNOWN}"))
        return [*rows, self._labelled("its log", self._path(job.log_path))]

    def _labelled(self, label: str, text: str) -> Line:
        return line(self._label(label), " ".join(text.split("\n")))

    def _label(self, label: str) -> Line:
        return line((f"{label[: LABEL_CELLS - 1]:<{LABEL_CELLS}}", Role.DIM))

    def _path(self, path: str) -> str:
        """The path as people write it, its end where there is no room for all of it."""
        shown = paths.shown(Path(path))
        room = max(8, self.size.width - 4 - LABEL_CELLS)
        if len(shown) <= room:
            return shown
        return self.glyphs.ellipsis + shown[len(shown) - room + 1 :]


def _known(progress: Progress) -> str:
    """How many requests the cache of answers spared, and its hit rate, where it was asked."""
    rate = progress.cache_hit_rate
    return "" if rate is None else f"  {progress.from_cache:,} cached, {figures.percent(rate)} hits"
