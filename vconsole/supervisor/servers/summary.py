"""A server as clients see it: its record, and what only a running supervisor knows."""

from __future__ import annotations

from dataclasses import replace

from vconsole.engine.metrics import Metrics
from vconsole.host.card_memory import EngineSizes, card_memory
from vconsole.host.readings import CardMemory, Gpu
from vconsole.supervisor.model import ServerState, ServerStatus
from vconsole.supervisor.servers.recorded import recorded_status
from vconsole.supervisor.servers.server import Server


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


def cards_of(
    server: Server, gpus: tuple[Gpu, ...], metrics: Metrics | None
) -> tuple[CardMemory, ...]:
    """What fills the cards on which this server runs, or all of them where it runs on none."""
    life = server.life
    pids = frozenset(process.pid for process in life.run.tree) if life else frozenset()
    on = [gpu for gpu in gpus if any(process.pid in pids for process in gpu.processes)]
    sizes = EngineSizes()
    if life and life.launch.engine_device != "cpu" and (on or len(gpus) == 1):
        usage = metrics.kv_cache_usage if metrics else None
        sizes = EngineSizes(*life.said_sizes, usage)
    found = (card_memory(gpu, pids, sizes) for gpu in on or gpus)
    return tuple(one for one in found if one)
