"""Batch: the jobs above, the marked one's progress and its latest results below."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.containers import Container

from vconsole.supervisor.client import SupervisorClient
from vconsole.supervisor.jobs.model import JobChange, JobRequest, JobState, JobStatus
from vconsole.supervisor.model import Status
from vconsole.tui.actions import bindings_for
from vconsole.tui.background.batching import (
    BatchDiffers,
    Batching,
    JobDone,
    JobsArrived,
    JobsLook,
    cached_bytes,
)
from vconsole.tui.rows.job_look import is_over
from vconsole.tui.screens.base import ConsoleScreen
from vconsole.tui.view import View
from vconsole.tui.widgets.job_list import JobList
from vconsole.tui.widgets.job_panel import JobPanel
from vconsole.tui.widgets.results_panel import ResultsPanel

LEAST_WEIGHT, MOST_WEIGHT = 0.01, 100.0


class BatchScreen(ConsoleScreen):
    NAME = "batch"
    CSS_PATH = "batch.tcss"
    AUTO_FOCUS = "JobList"
    BINDINGS = bindings_for("batch")

    def __init__(self) -> None:
        super().__init__()
        self._look = JobsLook()
        self._failures = False
        self._reading = False
        self._read_for: Status | None = None
        self._to_mark: str | None = None

    def contents(self) -> ComposeResult:
        yield JobList(id="job-list")
        with Container(id="job"):
            yield JobPanel(id="job-panel")
            yield ResultsPanel(id="results")

    @property
    def jobs(self) -> JobList:
        return self.query_one(JobList)

    @property
    def client(self) -> SupervisorClient:
        return SupervisorClient(self.console_app.socket_path)

    @property
    def batching(self) -> Batching:
        return Batching(self, self.app, self.console_app.socket_path)

    def show(self, view: View) -> None:
        super().show(view)
        if view.status is not None and view.status is not self._read_for:
            self._read_for = view.status
            self.read()

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        self.read()

    def mark(self, job_id: str) -> None:
        """Mark that job, now or as soon as it is known."""
        self._to_mark = job_id
        self.jobs.mark(job_id)
        self.read()

    def read(self) -> None:
        """Ask for the jobs and the latest results, once at a time."""
        if self._reading or not self.is_current:
            return
        self._reading = True
        marked = self._to_mark or (self.jobs.marked.id if self.jobs.marked else None)
        self.batching.read(marked, self._failures)

    @on(JobsArrived)
    def _arrived(self, message: JobsArrived) -> None:
        self._reading = False
        if message.look is None:
            return
        self._look = message.look
        self.jobs.show_items(message.look.jobs)
        if self._to_mark is not None:
            self.jobs.mark(self._to_mark)
            self._to_mark = None
        self._draw()

    def _draw(self) -> None:
        marked = self.jobs.marked
        current = marked is not None and marked.id == self._look.of
        self.query_one(JobPanel).show_job(marked, self._look.cost if current else None)
        if marked is None or (current and self._look.failures == self._failures):
            self.query_one(ResultsPanel).show_look(self._look)
        else:
            self.read()

    @on(JobList.Moved)
    def _moved(self) -> None:
        self._draw()

    @on(JobDone)
    def _done(self, message: JobDone) -> None:
        self.notify(message.words, timeout=5, markup=False)
        if message.job is not None:
            self.mark(message.job.id)

    def do_batch_new(self) -> None:
        from vconsole.tui.screens.job_form import JobFormScreen
        from vconsole.tui.screens.new_batch import new_batch

        def asked(request: JobRequest | None) -> None:
            if request is not None:
                self.batching.submit(request)

        app = self.console_app
        form = new_batch(self.client, app.server_name, app.session.now())
        app.push_screen(JobFormScreen(form), asked)

    @on(BatchDiffers)
    def _differs(self, message: BatchDiffers) -> None:
        from vconsole.tui.screens.begun import BegunScreen

        def answered(word: str | None) -> None:
            if word is not None:
                anew = word == "restart"
                again = replace(message.request, restart=anew, accept_changes=not anew)
                self.batching.submit(again)

        name = message.request.spec.output_path.name
        self.app.push_screen(BegunScreen(name, (message.words,)), answered)

    def do_batch_results(self) -> None:
        from vconsole.tui.screens.results import ResultsScreen

        if self._marked() is not None:
            self.app.push_screen(ResultsScreen(self._look))

    def do_batch_pause(self) -> None:
        job = self._active()
        if job is not None:
            words = f"{{job.id}} is {{job.state}}; {self.key_of('resume')} goes on."
            self.batching.verb(job.id, "pause", words)

    def do_batch_resume(self) -> None:
        job = self._marked()
        if job is None:
            return
        if job.state == JobState.DONE:
            self.warn(f"{job.id} is done; {self.key_of('retry')} runs again what failed.")
        elif job.state in {JobState.RUNNING, JobState.QUEUED}:
            self.warn(f"{job.id} is {job.state} already.")
        else:
            self.batching.verb(job.id, "resume", "{job.id} goes on: {job.state}.")

    def do_batch_cancel(self) -> None:
        job = self._active()
        if job is None:
            return
        progress = job.progress
        done = progress.done if progress else 0
        left = progress.total - done if progress else None
        effects = [
            f"What is in flight may end; {'the rest' if left is None else f'{left:,} requests'}"
            " are not asked.",
            f"The {done:,} results so far stay in {job.spec.output_path.name};"
            f" {self.key_of('resume')} goes on later.",
            f"The same as: vconsole batch cancel {job.id}",
        ]
        act = partial(self.batching.verb, job.id, "cancel", "{job.id} is {job.state}.")
        self.ask("Cancel the batch?", _named(job), effects, "cancel it", act)

    def do_batch_retry(self) -> None:
        job = self._marked()
        if job is None:
            return
        if not is_over(job):
            self.warn(f"{job.id} is {job.state}: what failed can run again when it is over.")
        elif not job.progress or not job.progress.failed:
            self.warn(f"Nothing failed in {job.id}.")
        else:
            self.batching.verb(job.id, "retry", "What failed runs again as {job.id}.")

    def do_batch_raise(self) -> None:
        self._change(lambda job: JobChange(priority=job.priority + 1))

    def do_batch_lower(self) -> None:
        self._change(lambda job: JobChange(priority=job.priority - 1))

    def do_batch_heavier(self) -> None:
        self._change(lambda job: JobChange(weight=min(job.weight * 2, MOST_WEIGHT)))

    def do_batch_lighter(self) -> None:
        self._change(lambda job: JobChange(weight=max(job.weight / 2, LEAST_WEIGHT)))

    def _change(self, how: Callable[[JobStatus], JobChange]) -> None:
        job = self._active()
        if job is not None:
            words = "{job.id}: priority {job.priority}, weight {job.weight:g}."
            self.batching.change(job.id, how(job), words)

    def do_batch_at_once(self) -> None:
        from vconsole.tui.screens.at_once import AtOnceScreen

        job = self._active()
        if job is None:
            return

        def asked(concurrency: int | None) -> None:
            if concurrency is not None:
                words = f"{{job.id}}: {concurrency or 'auto'} at once."
                self.batching.change(job.id, JobChange(concurrency=concurrency), words)

        self.app.push_screen(AtOnceScreen(job.id, job.spec.concurrency), asked)

    def do_batch_failures(self) -> None:
        self._failures = not self._failures
        self._draw()

    def do_batch_open(self) -> None:
        from vconsole.tui.terminal.pager import shown_in_pager

        job = self._marked()
        if job is None:
            return
        path = Path(job.errors if self._failures else job.spec.output)
        if trouble := shown_in_pager(self.app, path):
            self.warn(trouble)

    def do_batch_output(self) -> None:
        job = self._marked()
        if job is not None:
            path = job.errors if self._failures else job.spec.output
            self.console_app.copy(path, f"path {path}")

    def do_batch_forget(self) -> None:
        size = f"{cached_bytes() / 1e6:,.1f} MB of answers"
        effects = [
            "No output file changes; later batches ask the server again.",
            "The same as: vconsole batch cache clear",
        ]
        self.ask("Clear the answer cache?", size, effects, "forget", self.batching.clear_cache)

    def _marked(self) -> JobStatus | None:
        if self.jobs.marked is None:
            self.warn(f"There is no batch yet; {self.key_of('new')} begins one.")
        return self.jobs.marked

    def _active(self) -> JobStatus | None:
        """The marked job where it is not over."""
        job = self._marked()
        if job is not None and is_over(job):
            self.warn(f"{job.id} is {job.state}.")
            return None
        return job


def _named(job: JobStatus) -> str:
    return f"{job.id}  {job.spec.input_path.name}"
