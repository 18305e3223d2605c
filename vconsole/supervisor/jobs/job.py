"""One job in the supervisor's memory: its record, its process, and what that last said."""

from __future__ import annotations

import contextlib
import time
from datetime import UTC, datetime

from vconsole.requests.batch.model import Directive, Phase, Progress
from vconsole.supervisor.jobs.folder import job_folder
from vconsole.supervisor.jobs.hands import JobProcess
from vconsole.supervisor.jobs.model import ENDED, JobKind, JobRecord, JobState, JobStatus

STUCK_AFTER_S = 120.0


class Job:
    """Made of a record; `process` is its living process, if it has one."""

    def __init__(self, record: JobRecord) -> None:
        self.record = record
        self.folder = job_folder(record.id)
        self.process: JobProcess | None = None
        self.progress: Progress | None = record.progress
        self.cancelling = False
        self.done_at_death = 0
        self.not_before_s = 0.0
        self._directed: Directive | None = None
        self._moved_s = time.monotonic()
        self._stuck_told = False

    @property
    def id(self) -> str:
        return self.record.id

    @property
    def title(self) -> str:
        return self.record.spec.input_path.name

    @property
    def words(self) -> str:
        """What it is in a sentence; a bench's title says so itself."""
        return self.title if self.record.kind == JobKind.BENCH else f"batch {self.title}"

    @property
    def is_paused(self) -> bool:
        return self.record.state is JobState.PAUSED

    @property
    def is_due(self) -> bool:
        """Whether it waits for nothing but its turn."""
        begins = self.record.not_before
        return self.record.state is JobState.QUEUED and (
            begins is None or begins <= datetime.now(UTC)
        )

    @property
    def is_sending(self) -> bool:
        """Whether requests of it may be in the server; unknown counts as yes."""
        if self.process is None:
            return False
        return self.progress is None or (
            self.progress.in_flight > 0 or self.progress.phase is Phase.RUNNING
        )

    def read(self) -> None:
        """Take in what its process said last."""
        found = self.folder.progress()
        if found is None:
            return
        before, self.progress = self.progress, found
        gets_on = before is None or found.done != before.done
        if gets_on or found.phase not in {Phase.RUNNING, Phase.WAITING}:
            self._moved_s, self._stuck_told = time.monotonic(), False

    def direct(self, directive: Directive) -> None:
        """Tell its process what is wanted, where that is new."""
        if directive == self._directed:
            return
        with contextlib.suppress(OSError):
            self.folder.direct(directive)
            self._directed = directive

    @property
    def idle_s(self) -> float | None:
        """How long it has not got on; None where it should not."""
        if self.process is None or self.record.state is not JobState.RUNNING:
            return None
        return time.monotonic() - self._moved_s

    def newly_stuck(self) -> str | None:
        """Why it does not get on, once, when that has lasted."""
        idle_s = self.idle_s
        if idle_s is None:
            self._moved_s = time.monotonic()
            return None
        if self._stuck_told or idle_s < STUCK_AFTER_S:
            return None
        self._stuck_told = True
        note = self.progress.note if self.progress else None
        return note or f"no answer for {idle_s:.0f} s"

    def status(self) -> JobStatus:
        record, progress = self.record, self.progress
        note = record.note
        if note is None and progress and record.state not in ENDED:
            note = progress.note
        return JobStatus(
            id=record.id,
            kind=record.kind,
            state=self._shown_state(),
            server=record.server,
            url=record.url,
            priority=record.priority,
            weight=record.weight,
            not_before=record.not_before,
            created_at=record.created_at,
            started_at=record.started_at,
            ended_at=record.ended_at,
            pid=self.process.run.leader.pid if self.process else None,
            spec=record.spec,
            errors=str(record.spec.errors_path),
            log_path=str(self.folder.log),
            progress=progress,
            note=note,
            remedy=record.remedy,
            idle_s=self.idle_s,
        )

    def _shown_state(self) -> str:
        """`waiting` and `paused` where its process does so, whoever wanted that."""
        progress, state = self.progress, self.record.state
        if state is JobState.RUNNING and progress and self.process:
            if self.cancelling:
                return "cancelling"
            if progress.phase in {Phase.WAITING, Phase.PAUSED}:
                return progress.phase.value
        if state is JobState.PAUSED and self.is_sending:
            return "pausing"
        return state.value
