"""What of a job can be changed while it is queued or runs, and how a job is asked for once more."""

from __future__ import annotations

from dataclasses import replace

from vconsole.errors import ExitCode, VConsoleError
from vconsole.requests.batch.model import BatchSpec
from vconsole.supervisor.jobs.job import Job
from vconsole.supervisor.jobs.model import ENDED, JobChange, JobKind, JobRecord, JobRequest
from vconsole.supervisor.jobs.submitting import kept_key

LEAST_WEIGHT, MOST_WEIGHT = 0.01, 100.0
MOST_AT_ONCE = 4096


def changes(record: JobRecord, change: JobChange) -> dict[str, object]:
    """The fields of the record that change; raises for what no job can have."""
    fields: dict[str, object] = {}
    if change.priority is not None:
        fields["priority"] = change.priority
    if change.weight is not None:
        if not LEAST_WEIGHT <= change.weight <= MOST_WEIGHT:
            raise _unusable(f"the weight {change.weight:g}", "0.01 to 100")
        fields["weight"] = change.weight
    if change.concurrency is not None:
        if not 0 <= change.concurrency <= MOST_AT_ONCE:
            raise _unusable(f"{change.concurrency} at once", f"1 to {MOST_AT_ONCE}, or auto")
        fields["spec"] = replace(record.spec, concurrency=change.concurrency or None)
    return fields


def once_more(job: Job) -> JobRequest:
    """The request that runs again what failed in a job that has ended."""
    record = job.record
    if record.state not in ENDED:
        raise VConsoleError(
            f"job {job.id} is not over yet",
            "what failed can be run again when it has ended",
            ExitCode.REFUSED,
        )
    if record.kind == JobKind.BENCH:
        raise VConsoleError(
            f"job {job.id} is a bench: its failed requests are part of what was measured",
            "measure anew: vconsole bench; go on with what is missing: vconsole bench resume",
            ExitCode.REFUSED,
        )
    return JobRequest(
        record.spec,
        record.server,
        record.url,
        kept_key(job.folder.path),
        record.priority,
        record.weight,
        retry_failed=True,
    )


def essence(spec: BatchSpec) -> BatchSpec:
    """The batch without how fast it goes."""
    return replace(spec, concurrency=None, timeout_s=0.0)


def _unusable(what: str, possible: str) -> VConsoleError:
    return VConsoleError(f"{what} cannot be had", f"give {possible}", ExitCode.USAGE)
