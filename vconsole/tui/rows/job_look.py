"""How jobs look and in which order they stand: those to be done first, as the queue has them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from vconsole.supervisor.jobs.model import JobState, JobStatus
from vconsole.tui.drawing import figures
from vconsole.tui.drawing.looks import Look
from vconsole.tui.drawing.text import Role

OVER = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED})
LOOKS = {
    "queued": Look("queued", "ring", Role.DIM),
    "running": Look("running", "running", Role.GOOD),
    "waiting": Look("waiting", "half", Role.WARN),
    "pausing": Look("pausing", "half", Role.WARN),
    "paused": Look("paused", "pause", Role.WARN),
    "cancelling": Look("cancelling", "half", Role.WARN),
    "done": Look("done", "tick", Role.GOOD),
    "failed": Look("failed", "cross", Role.BAD),
    "cancelled": Look("cancelled", "cross", Role.DIM),
}
UNKNOWN = Look("unknown", "unknown", Role.DIM)


def look_of_job(job: JobStatus) -> Look:
    return LOOKS.get(job.state, UNKNOWN)


def is_over(job: JobStatus) -> bool:
    return job.state in OVER


def in_order(jobs: Iterable[JobStatus]) -> tuple[JobStatus, ...]:
    """Those to be done by priority, then as they were asked for; then those that are over."""
    every = tuple(jobs)
    ahead = [job for job in every if not is_over(job)]
    ahead.sort(key=lambda job: (-job.priority, job.created_at))
    over = [job for job in every if is_over(job)]
    over.sort(key=lambda job: job.ended_at or job.created_at, reverse=True)
    return (*ahead, *over)


def share_done(job: JobStatus) -> float | None:
    progress = job.progress
    return progress.done / progress.total if progress and progress.total else None


def when(job: JobStatus, now: datetime) -> str:
    """When it may be done, begins or was over, in one short word."""
    if is_over(job):
        return _at(job.ended_at, now) if job.ended_at else figures.UNKNOWN
    if job.not_before is not None and job.not_before > now and job.state == "queued":
        return f"at {_at(job.not_before, now)}"
    left_s = job.progress.eta_s if job.progress and job.state == "running" else None
    return figures.span(left_s)


def _at(moment: datetime, now: datetime) -> str:
    local, today = moment.astimezone(), now.astimezone()
    same_day = local.date() == today.date()
    return local.strftime("%H:%M" if same_day else "%d %b")
