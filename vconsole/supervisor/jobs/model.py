"""What is known of a job, on disk and on the socket: frozen dataclasses, fields only ever added."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from vconsole.requests.batch.model import BatchSpec, Progress
from vconsole.requests.bench.plan import BenchSpec
from vconsole.supervisor.model import Job
from vconsole.supervisor.processes.tree import ProcessId


class JobState(StrEnum):
    """`QUEUED` has not begun; `RUNNING` has a process, whatever that waits for."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED})


class JobKind(StrEnum):
    BATCH = "batch"
    BENCH = "bench"


@dataclass(frozen=True, slots=True)
class JobRequest:
    """A batch to be run, against the server of that name or at `url`; or with `bench` a bench.

    Higher `priority` goes first; jobs of one priority share the server by `weight`. `restart`,
    `retry_failed` and `accept_changes` say what to do with an output that is there.
    """

    spec: BatchSpec
    server: str = "main"
    url: str | None = None
    api_key: str | None = None
    priority: int = 0
    weight: float = 1.0
    not_before: datetime | None = None
    restart: bool = False
    retry_failed: bool = False
    accept_changes: bool = False
    bench: BenchSpec | None = None
    """What to measure; its output and its input are then the supervisor's to name."""


@dataclass(frozen=True, slots=True)
class JobChange:
    """What is to be another from now on; None stays, and a `concurrency` of 0 tunes itself."""

    priority: int | None = None
    weight: float | None = None
    concurrency: int | None = None


@dataclass(frozen=True, slots=True)
class JobRun:
    """One process of a job, proved as a server's is."""

    tag: str
    boot_id: str
    leader: ProcessId
    cgroup: str | None = None


@dataclass(frozen=True, slots=True)
class JobRecord:
    """A job as it outlives the supervisor; a key stays in a file of its own."""

    id: str
    spec: BatchSpec
    server: str
    created_at: datetime
    url: str | None = None
    kind: str = JobKind.BATCH.value
    state: JobState = JobState.QUEUED
    priority: int = 0
    weight: float = 1.0
    not_before: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    run: JobRun | None = None
    deaths: int = 0
    progress: Progress | None = None
    note: str | None = None
    remedy: str | None = None
    waits_for_model: str | None = None
    swaps: bool = False
    """Whether it swaps the server's model itself, as a bench of profiles does."""


@dataclass(frozen=True, slots=True)
class JobStatus:
    """A job as it is shown: its record, how far it is, and what it waits for."""

    id: str
    kind: str
    state: str
    server: str
    url: str | None
    priority: int
    weight: float
    not_before: datetime | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    pid: int | None
    spec: BatchSpec
    errors: str
    log_path: str
    progress: Progress | None = None
    note: str | None = None
    remedy: str | None = None
    idle_s: float | None = None
    """Seconds since it last got on, while it should."""


def as_job(status: JobStatus) -> Job:
    """The line of the status page."""
    progress = status.progress
    return Job(
        id=status.id,
        kind=status.kind,
        state=status.state,
        done=progress.done if progress else 0,
        total=progress.total if progress else 0,
        failed=progress.failed if progress else 0,
        eta_s=progress.eta_s if progress else None,
        title=status.spec.input_path.name,
        server=status.server,
        note=status.note,
        idle_s=status.idle_s,
        concurrency=status.spec.concurrency,
        requests_per_s=progress.requests_per_s if progress else None,
        generation_tokens_per_s=progress.generation_tokens_per_s if progress else None,
    )
