"""What the batch screen asks for off the loop: jobs, latest results, verbs; answers as messages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
from textual.message import Message
from textual.message_pump import MessagePump

from vconsole.errors import VConsoleError
from vconsole.requests.batch.cache import clear, size_bytes
from vconsole.requests.batch.latest import Result, latest
from vconsole.supervisor.client import SupervisorClient
from vconsole.supervisor.jobs.model import JobChange, JobKind, JobRequest, JobStatus
from vconsole.supervisor.telling.cost import Cost
from vconsole.tui.background.calls import deliver, in_background, send_in_background
from vconsole.tui.rows.job_look import in_order

MOST_RESULTS = 60


@dataclass(frozen=True, slots=True)
class JobsLook:
    """One look: the jobs in order; the latest results of job `of`, answers or failures; its cost.

    `cost` is None where the supervisor did not say it.
    """

    jobs: tuple[JobStatus, ...] = ()
    of: str | None = None
    failures: bool = False
    results: tuple[Result, ...] = ()
    unread: str | None = None
    cost: Cost | None = None


@dataclass
class JobsArrived(Message):
    """None where the supervisor did not answer."""

    look: JobsLook | None


@dataclass
class JobDone(Message):
    """A verb was carried out: what to say of it, and the job as it is now, if one is concerned."""

    words: str
    job: JobStatus | None = None


@dataclass
class BatchDiffers(Message):
    """What was asked for is not what its output was begun by: `words` says in what."""

    request: JobRequest
    words: str


class Batching:
    """`screen` receives the answers, `app` what was refused."""

    def __init__(self, screen: MessagePump, app: MessagePump, socket_path: Path) -> None:
        self._screen, self._app = screen, app
        self._client = SupervisorClient(socket_path)

    def read(self, chosen: str | None, failures: bool) -> None:
        def run() -> None:
            try:
                look = self._look(chosen, failures)
            except (VConsoleError, msgspec.MsgspecError):
                look = None
            deliver(self._screen, JobsArrived(look))

        in_background("jobs", run)

    def _look(self, chosen: str | None, failures: bool) -> JobsLook:
        jobs = in_order(job for job in self._client.jobs() if job.kind == JobKind.BATCH)
        known = {job.id: job for job in jobs}
        job = known.get(chosen or "") or (jobs[0] if jobs else None)
        if job is None:
            return JobsLook()
        path = Path(job.errors) if failures else job.spec.output_path
        results, unread = tuple[Result, ...](), None
        try:
            results = latest(path, MOST_RESULTS)
        except OSError as error:
            unread = f"cannot read {path}: {error.strerror}"
        return JobsLook(jobs, job.id, failures, results, unread, self._cost(job.id))

    def _cost(self, job_id: str) -> Cost | None:
        try:
            return self._client.job_cost(job_id)
        except (VConsoleError, msgspec.MsgspecError):
            return None

    def verb(self, job_id: str, verb: str, words: str) -> None:
        def run() -> Message:
            job = self._client.job_verb(job_id, verb)
            return JobDone(words.format(job=job), job)

        self._send(verb, run)

    def change(self, job_id: str, change: JobChange, words: str) -> None:
        def run() -> Message:
            job = self._client.change_job(job_id, change)
            return JobDone(words.format(job=job), job)

        self._send("change", run)

    def submit(self, request: JobRequest) -> None:
        def run() -> Message:
            try:
                job = self._client.submit(request)
            except VConsoleError as error:
                if error.kind != "changed":
                    raise
                return BatchDiffers(request, error.message)
            return JobDone(f"{job.id} is {job.state}: its answers go to {job.spec.output}", job)

        self._send("submit", run)

    def clear_cache(self) -> None:
        def run() -> Message:
            return JobDone(f"{clear() / 1e6:,.1f} MB of answers are forgotten.")

        self._send("forget answers", run)

    def _send(self, verb: str, call: Callable[[], Message]) -> None:
        send_in_background(self._screen, self._app, verb, call)


def cached_bytes() -> int:
    """How large the cache of answers is."""
    try:
        return size_bytes()
    except OSError:
        return 0
