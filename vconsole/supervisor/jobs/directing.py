"""What a job's process is told: where its server is, its part of it, whether to go on."""

from __future__ import annotations

from dataclasses import replace

from vconsole.engine.command.command import schedules_by_priority
from vconsole.requests.batch.model import Directive
from vconsole.supervisor.jobs import submitting
from vconsole.supervisor.jobs.job import Job
from vconsole.supervisor.jobs.model import JobState
from vconsole.supervisor.model import ServerState
from vconsole.supervisor.servers.server import Server

SERVING = frozenset({ServerState.READY, ServerState.STALLED, ServerState.STOPPING})
# Of vLLM's priorities, where the lower goes first and a request without one has 0.
BEHIND_OTHERS = 10


def directive_of(job: Job, server: Server | None, share: float | None) -> Directive:
    """For a job against that server of ours, or (None) against a URL; no `share`, no sending.

    While its server is being stopped, what is in flight may end, and nothing new is sent.
    """
    record, kept_key = job.record, submitting.kept_key(job.folder.path)
    paused = record.state is JobState.PAUSED or share is None
    told = Directive(
        record.url,
        paused,
        job.cancelling,
        share or 1.0,
        kept_key,
        concurrency=record.spec.concurrency or 0,
    )
    if server is None:
        return told
    life, state = server.life, server.book.state
    return replace(
        told,
        url=life.launch.url if life and state in SERVING else None,
        paused=paused or state is ServerState.STOPPING,
        api_key=kept_key or (life.api_key if life else None),
        priority=BEHIND_OTHERS if life and schedules_by_priority(life.launch.command) else 0,
    )
