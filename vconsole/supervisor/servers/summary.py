"""A server as clients see it: its record, and what only a running supervisor knows."""

from __future__ import annotations

from dataclasses import replace

from vconsole.engine.metrics.figures import Metrics
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
    status = replace(status, warnings=(*status.warnings, *server.degradations.warnings))
    if server.busy and server.operation:
        status = replace(status, operation=server.operation.snapshot.id)
    status = replace(status, standby=server.standbys.status, sleepers=server.sleepers.status)
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
    life, on = server.life, gpus_of(server, gpus)
    sizes = EngineSizes()
    if life and on and life.launch.engine_device != "cpu":
        usage = metrics.kv_cache_usage if metrics else None
        sizes = EngineSizes(*life.said_sizes, usage)
    found = (card_memory(gpu, _pids(server), sizes) for gpu in on or gpus)
    return tuple(one for one in found if one)


def gpus_of(server: Server, gpus: tuple[Gpu, ...]) -> tuple[Gpu, ...]:
    """The cards on which this server runs: those that list a process of its tree.

    In a container NVML lists nobody: there the only card is taken to be it.
    """
    if server.life is None:
        return ()
    pids = _pids(server)
    on = tuple(gpu for gpu in gpus if any(process.pid in pids for process in gpu.processes))
    is_alone = len(gpus) == 1 and server.life.launch.engine_device != "cpu"
    return on or (gpus if is_alone else ())


def _pids(server: Server) -> frozenset[int]:
    tree = server.life.run.tree if server.life else ()
    return frozenset(process.pid for process in tree)
