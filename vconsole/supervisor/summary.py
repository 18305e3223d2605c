"""A server as clients see it: its record, and what only a running supervisor knows."""

from __future__ import annotations

from dataclasses import replace

from vconsole.supervisor.model import ServerState, ServerStatus
from vconsole.supervisor.recorded import recorded_status
from vconsole.supervisor.server import Server


def server_status(server: Server) -> ServerStatus:
    """What is true now; a running start adds its phase, progress and ETA."""
    status = recorded_status(server.book.record)
    if server.book.write_error:
        status = replace(status, warnings=(*status.warnings, server.book.write_error))
    if server.busy and server.operation:
        status = replace(status, operation=server.operation.snapshot.id)
    life = server.life
    if life is None:
        return status
    if status.state is not ServerState.STARTING:
        return replace(status, adopted=life.adopted)
    return replace(
        status,
        adopted=life.adopted,
        phase=life.watch.phase,
        progress=life.watch.progress,
        eta_s=life.watch.eta_s,
        eta_starts=life.watch.learned_from,
        phases=life.watch.phase_times(),
    )
