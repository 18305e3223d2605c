"""A server as its record alone shows it: all there is to see while no supervisor runs."""

from __future__ import annotations

from datetime import UTC, datetime

from vconsole.models.fit.plan import Band
from vconsole.supervisor.model import Measured, ServerState, ServerStatus
from vconsole.supervisor.servers import record
from vconsole.supervisor.servers.record import Launch, Run, ServerRecord


def recorded_status(known: ServerRecord) -> ServerStatus:
    """The status that a record supports; phase, progress and ETA are a supervisor's to add."""
    plan, run = known.launch, known.run
    return ServerStatus(
        name=known.name,
        state=known.state,
        desired=known.desired,
        model=plan.model if plan else None,
        served_name=plan.served_name if plan else None,
        profile=plan.profile if plan else None,
        url=plan.url if plan else None,
        port=plan.port if plan else None,
        pid=run.leader.pid if run else None,
        started_at=run.started_at if run else None,
        ready_at=run.ready_at if run else None,
        uptime_s=_uptime_s(known),
        ready_s=run.ready_s if run else None,
        phases=run.phases if run else (),
        restarts=known.restarts,
        last_failure=known.last_failure,
        max_model_len=run.max_model_len if run else None,
        engine_version=plan.engine_version if plan else None,
        engine_device=plan.engine_device if plan else None,
        command=plan.command if plan else (),
        log_path=None if run and run.foreign else str(record.log_path(known.name)),
        transitions=known.transitions,
        warnings=plan.warnings if plan else (),
        next_start_at=known.next_start_at,
        survivors=tuple(process.pid for process in known.survivors),
        plan=plan.plan if plan else None,
        flags=plan.flags if plan else (),
        measured=measured(plan, run),
    )


def _uptime_s(known: ServerRecord) -> float | None:
    if known.run is None or known.state is ServerState.FAILED:
        return None
    # A clock that was set back would make it negative.
    return max(0.0, (datetime.now(UTC) - known.run.started_at).total_seconds())


def measured(launch: Launch | None, run: Run | None) -> Measured | None:
    """What this run's log said of memory beside its plan; None where it said nothing."""
    if launch is None or run is None or run.ready_at is None:
        return None
    plan = launch.plan
    found = Measured(
        run.weights_bytes,
        run.kv_cache_bytes,
        run.kv_cache_tokens,
        _value(plan.weights_bytes) if plan else None,
        _value(plan.kv_cache_bytes) if plan else None,
        _value(plan.kv_cache_tokens) if plan else None,
    )
    return found if found.text else None


def _value(band: Band | None) -> int | None:
    return band.value if band else None
