"""All jobs of this user: asked for, run in turn, paused and resumed, adopted, told about."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from vconsole import paths
from vconsole.errors import ExitCode, VConsoleError
from vconsole.requests.batch.model import Phase
from vconsole.supervisor.jobs import changing, hands, order, submitting
from vconsole.supervisor.jobs.at_work import JobAtWork
from vconsole.supervisor.jobs.directing import directive_of
from vconsole.supervisor.jobs.job import Job
from vconsole.supervisor.jobs.model import (
    ENDED,
    JobChange,
    JobKind,
    JobRecord,
    JobRequest,
    JobState,
    JobStatus,
)
from vconsole.supervisor.jobs.store import JobStore
from vconsole.supervisor.model import ServerState
from vconsole.supervisor.servers.server import Server
from vconsole.supervisor.telling.event import EventKind, Severity
from vconsole.supervisor.telling.event_log import EventLog

MOST_KEPT = 100
MOST_DEATHS = 5
LONGEST_WAIT_AFTER_DEATH_S = 60.0
log = logging.getLogger(__name__)


class Jobs:
    """`server` gives a server by name; `beat` once a second keeps everything going."""

    def __init__(
        self, server: Callable[[str], Server], events: EventLog, changed: Callable[[], None]
    ) -> None:
        self._server, self._events, self._changed = server, events, changed
        self._store = JobStore(paths.jobs_path())
        self._jobs = {record.id: Job(record) for record in self._store.load()}
        self._spawning = asyncio.Lock()

    async def submit(self, request: JobRequest) -> JobStatus:
        """Queue a batch; one that writes the same output already is what is meant."""
        for job in self._active():
            if job.record.spec.output == request.spec.output:
                return self._joined(job, request)
        if submitting.needs_server(request):
            submitting.require_server(self._server(request.server))
        await asyncio.to_thread(submitting.prepare, request)
        request = await asyncio.to_thread(submitting.named, request)
        record = submitting.record_of(self._store.next_id(), request)
        job = Job(record)
        job.folder.prepare(record.spec)
        job.folder.prepare_bench(request.bench)
        submitting.keep_key(job.folder.path, request.api_key)
        await asyncio.to_thread(self._store.save, record)
        self._jobs[record.id] = job
        await self.beat()
        return job.status()

    def _joined(self, job: Job, request: JobRequest) -> JobStatus:
        if changing.essence(job.record.spec) != changing.essence(request.spec) or request.restart:
            raise VConsoleError(
                f"job {job.id} writes {request.spec.output} already",
                f"see it: vconsole batch show {job.id}; end it: vconsole batch cancel {job.id}",
                ExitCode.REFUSED,
                kind="output_in_use",
            )
        return self.resume(job.id) if job.record.state is JobState.PAUSED else job.status()

    def pause(self, job_id: str) -> JobStatus:
        job = self._job(job_id)
        self._require_active(job)
        self._note(job, state=JobState.PAUSED)
        self._direct_all()
        return job.status()

    def resume(self, job_id: str) -> JobStatus:
        """Go on; a job that ended as failed or cancelled is queued again, where it was."""
        job = self._job(job_id)
        if job.record.state is JobState.DONE:
            raise _refusal(f"job {job_id} is done", "batch run --retry-failed runs what failed")
        if job.record.state not in {JobState.QUEUED, JobState.RUNNING}:
            state = JobState.RUNNING if job.process else JobState.QUEUED
            fresh = {"ended_at": None, "deaths": 0, "note": None, "remedy": None}
            self._note(job, state=state, waits_for_model=None, **fresh)
        self._direct_all()
        return job.status()

    def cancel(self, job_id: str) -> JobStatus:
        """End it; what it has done stays in its output, and `batch run` goes on from there."""
        job = self._job(job_id)
        self._require_active(job)
        job.cancelling = True
        if job.process is None:
            self._end(job, JobState.CANCELLED)
        self._direct_all()
        return job.status()

    async def retry(self, job_id: str) -> JobStatus:
        """Run again what failed in a job that has ended, as a job of its own."""
        return await self.submit(changing.once_more(self._job(job_id)))

    def change(self, job_id: str, change: JobChange) -> JobStatus:
        """Another priority, weight or concurrency, from now on."""
        job = self._job(job_id)
        self._require_active(job)
        self._note(job, **changing.changes(job.record, change))
        self._direct_all()
        return job.status()

    def all(self) -> tuple[JobStatus, ...]:
        """All jobs that are remembered, the newest first."""
        return tuple(job.status() for job in reversed(self._jobs.values()))

    def get(self, job_id: str) -> JobStatus:
        return self._job(job_id).status()

    def active(self) -> tuple[JobStatus, ...]:
        """Those for the status page: not ended, or within the last hour."""
        recent = datetime.now(UTC).timestamp() - 3600
        return tuple(
            job.status()
            for job in self._jobs.values()
            if job.record.ended_at is None or job.record.ended_at.timestamp() > recent
        )

    @property
    def tags(self) -> frozenset[str]:
        """The tags of processes that a record knows."""
        return frozenset(job.record.run.tag for job in self._jobs.values() if job.record.run)

    @property
    def busy(self) -> bool:
        """Whether something runs or is due; a paused job without a process needs nobody."""
        return any(
            job.process is not None or job.record.state is JobState.QUEUED
            for job in self._jobs.values()
        )

    def at_work_on(self, server: str) -> tuple[JobAtWork, ...]:
        """The jobs that use a server or are about to, for whoever swaps its model."""
        served = self._server(server).life
        model = served.launch.served_name if served else None
        return tuple(
            JobAtWork(self, job, model)
            for job in self._active()
            if job.record.server == server
            and job.record.url is None
            and not job.record.swaps
            and (job.process or job.record.run or job.is_due)
            and not job.is_paused
        )

    def measures(self, server: str) -> bool:
        """Whether a bench sends to that server now."""
        return any(
            job.process is not None
            and job.record.kind == JobKind.BENCH
            and job.record.server == server
            for job in self._active()
        )

    def wait_for_model(self, job: Job, model: str | None) -> None:
        """Pause a job until its server serves that model again; a user's `resume` is quicker."""
        note = f"paused until {model} is back" if model else None
        self._note(job, state=JobState.PAUSED, waits_for_model=model, note=note)
        self._direct_all()

    def _resume_where_back(self) -> None:
        for job in self._active():
            if (model := job.record.waits_for_model) is None:
                continue
            server = self._server(job.record.server)
            ready = server.life is not None and server.book.state is ServerState.READY
            # A swap that has paused it and not yet begun leaves its model where it was.
            if not ready or server.swapper.under_way:
                continue
            if server.life and server.life.launch.served_name == model:
                self.resume(job.id)

    # --- the pulse -------------------------------------------------------------------------------

    def adopt_all(self) -> None:
        """Take over the processes that an earlier supervisor started; what they said is known."""
        for job in self._active():
            run = job.record.run
            job.process = hands.JobProcess.adopt(run) if run else None
            job.read()
            if run and job.process is None:
                self._ended(job)

    async def beat(self) -> None:
        """Read how far they are, note who has ended, start who is due."""
        self._resume_where_back()
        for job in list(self._jobs.values()):
            if job.record.state in ENDED and job.process is None:
                continue
            job.read()
            if job.process is not None and not job.process.is_alive():
                self._ended(job)
            self._tell_stuck(job)
        async with self._spawning:
            for job_id in order.shares(self._records(), datetime.now(UTC)):
                await self._start(self._jobs[job_id])
        self._direct_all()
        self._forget_oldest()

    async def _start(self, job: Job) -> None:
        if job.process is not None or time.monotonic() < job.not_before_s:
            return
        job.folder.forget_progress()
        self._direct(job)
        scoping = None if job.record.deaths else await hands.scoping()
        try:
            job.folder.prepare(job.record.spec)
            job.process = hands.JobProcess.spawn(job.id, job.folder, scoping)
        except VConsoleError as error:
            self._died(job, error.message)
            return
        begun = job.record.started_at or datetime.now(UTC)
        again = job.record.started_at is not None
        self._note(job, state=JobState.RUNNING, run=job.process.run, started_at=begun)
        verb = "goes on" if again else "started"
        self._tell(job, f"{job.words} {verb}", what="started")

    def _ended(self, job: Job) -> None:
        """Its process is gone: it says itself how it ended, or it died."""
        job.process = None
        progress = job.progress
        phase = progress.phase if progress else None
        if phase is Phase.DONE:
            self._end(job, JobState.DONE, progress.note if progress else None)
        elif phase is Phase.FAILED and progress:
            self._end(job, JobState.FAILED, progress.note, progress.remedy)
        elif job.cancelling or phase is Phase.CANCELLED:
            self._end(job, JobState.CANCELLED)
        elif job.record.state is JobState.PAUSED:
            self._note(job, run=None, progress=progress)
        else:
            self._died(job, job.folder.last_words())

    def _died(self, job: Job, words: str) -> None:
        """Start it again after a while, unless it dies again and again without getting on."""
        done = job.progress.done if job.progress else 0
        deaths = 1 if done > job.done_at_death else job.record.deaths + 1
        job.done_at_death = max(done, job.done_at_death)
        job.not_before_s = time.monotonic() + min(2.0 ** (deaths - 1), LONGEST_WAIT_AFTER_DEATH_S)
        self._tell(job, f"the process of {job.words} died", Severity.WARNING, what="died")
        if deaths > MOST_DEATHS:
            self._end(job, JobState.FAILED, f"its process died {deaths} times: {words}")
        else:
            self._note(job, state=JobState.QUEUED, run=None, deaths=deaths)

    def _end(
        self, job: Job, state: JobState, note: str | None = None, remedy: str | None = None
    ) -> None:
        job.cancelling = False
        now = datetime.now(UTC)
        fields = {"ended_at": now, "run": None, "progress": job.progress}
        self._note(job, state=state, note=note, remedy=remedy, **fields)
        submitting.close_bench(job.record, state, note, remedy)
        progress = job.progress
        failed = progress.failed if progress else 0
        counted = f": {progress.completed} answered, {failed} failed" if progress else ""
        bad = state is JobState.FAILED or failed > 0
        words = f"{job.words} {state}{counted}{f': {note}' if note else ''}"
        self._tell(job, words, Severity.WARNING if bad else Severity.INFO, what=str(state))

    def _tell_stuck(self, job: Job) -> None:
        if words := job.newly_stuck():
            self._tell(job, f"{job.words} is stuck: {words}", Severity.WARNING, what="stuck")

    # --- directives ------------------------------------------------------------------------------

    def note_change(self) -> None:
        """Something about a server changed: what the jobs are told follows at once."""
        for job in self._jobs.values():
            if job.process is not None:
                self._direct(job)

    def _direct_all(self) -> None:
        self.note_change()
        self._changed()

    def _direct(self, job: Job) -> None:
        record = job.record
        share = order.shares(self._records(), datetime.now(UTC)).get(record.id)
        server = self._server(record.server) if record.url is None else None
        job.direct(directive_of(job, server, share))

    def _records(self) -> list[JobRecord]:
        return [job.record for job in self._jobs.values()]

    def _active(self) -> list[Job]:
        return [job for job in self._jobs.values() if job.record.state not in ENDED]

    def _job(self, job_id: str) -> Job:
        if job_id not in self._jobs:
            raise VConsoleError(
                f"there is no job {job_id}", "see `vconsole batch list`", ExitCode.USAGE, "no_job"
            )
        return self._jobs[job_id]

    def _require_active(self, job: Job) -> None:
        if job.record.state in ENDED:
            raise _refusal(f"job {job.id} is {job.record.state}", "see `vconsole batch list`")

    def _note(self, job: Job, **fields: object) -> None:
        """Write a change down; where the disk refuses, the job itself goes on all the same."""
        job.record = replace(job.record, **fields)  # type: ignore[arg-type]
        try:
            self._store.save(job.record)
        except VConsoleError as error:
            log.error("%s", error.message)
        self._changed()

    def _tell(
        self, job: Job, text: str, severity: Severity = Severity.INFO, *, what: str = ""
    ) -> None:
        facts = {"job": job.id, "what": what, "output": job.record.spec.output}
        self._events.add(EventKind.JOB, text, facts, severity, job.record.server)

    def _forget_oldest(self) -> None:
        ended = [job for job in self._jobs.values() if job.record.state in ENDED]
        for job in ended[: max(0, len(ended) - MOST_KEPT)]:
            self._store.forget(job.id)
            del self._jobs[job.id]

    def close(self) -> None:
        self._store.close()


def _refusal(message: str, remedy: str) -> VConsoleError:
    return VConsoleError(message, remedy, ExitCode.REFUSED)
