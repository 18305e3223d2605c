"""One engine tried beside what serves: started on a free port, smoke-tested, timed, and gone."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from vconsole.engine.find import Engine
from vconsole.errors import VConsoleError
from vconsole.models.demo import DEFAULT_DEMO
from vconsole.supervisor.client import SupervisorClient
from vconsole.supervisor.doctor.fixing import server_speed, wait_for_end
from vconsole.supervisor.model import (
    ServerState,
    ServerStatus,
    SmokeReport,
    StartRequest,
    Status,
)

NAME = "engine-trial"
GIB = 2**30
BUSY_LOOK_S = 1.0
# Beside a server that fills the card a demo model needs little more than CUDA's own context.
CUDA_CONTEXT_BYTES = GIB // 2
LEAST_FREE_BYTES = GIB
SMALL = ("--max-model-len", "512", "--max-num-seqs", "8")
# Weights are read once more, and the KV cache and vLLM itself come on top.
MODEL_MEMORY = 1.3
CPU_EXTRA_BYTES = 6 * GIB
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Load:
    """What both engines are tried with."""

    model: str
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trial:
    """`tokens_per_s` is of a short load; `busy` is the processors' use by others before it."""

    ready_s: float | None
    smoke: SmokeReport | None
    tokens_per_s: float
    busy: float


def choose_load(status: Status, device: str) -> Load:
    """The current model where a second one has room beside it, else a demo model."""
    server = status.server
    if device == "cpu":
        return _own(server) if _fits_in_memory(server, status) else Load(DEFAULT_DEMO)
    cards = [gpu for gpu in status.gpus if gpu.memory_free_bytes and gpu.memory_total_bytes]
    if not cards:
        return Load(DEFAULT_DEMO)
    free, total = max((gpu.memory_free_bytes or 0, gpu.memory_total_bytes or 1) for gpu in cards)
    ours = sum(p.memory_bytes or 0 for gpu in cards for p in gpu.processes if p.owner == "ours")
    if server.state is ServerState.READY and 0 < ours < free:
        return _own(server)
    if free < LEAST_FREE_BYTES:
        raise VConsoleError(
            f"no card has room for a trial: {free / GIB:.1f} GiB are free",
            "`vconsole stop`, upgrade, and start again; or --no-trial, with `engine rollback`"
            " as the way back",
        )
    share = f"{int((free - CUDA_CONTEXT_BYTES) / total * 100) / 100:.2f}"
    return Load(DEFAULT_DEMO, (*SMALL, "--gpu-memory-utilization", share))


def try_engine(
    client: SupervisorClient, engine: Engine, load: Load, say: Say, *, is_new: bool = True
) -> Trial:
    """Start, smoke-test (a new one) and time it; whatever happens, nothing of the trial is left."""
    _clear(client)
    busy = psutil.cpu_percent(BUSY_LOOK_S) / 100
    request = StartRequest(
        model=load.model, port=_free_port(), flags=load.flags, engine=str(engine.python)
    )
    try:
        wait_for_end(client, client.start(NAME, request).id, NAME)
        server = client.server(NAME)
        say(f"vLLM {engine.version} serves {server.served_name} after {server.ready_s:.0f} s")
        smoke = _smoke(client, say) if is_new else None
        speed = server_speed(server)
        say(f"vLLM {engine.version}: {speed:,.0f} tokens/s")
        return Trial(server.ready_s, smoke, speed, busy)
    finally:
        _clear(client)


def _smoke(client: SupervisorClient, say: Say) -> SmokeReport:
    wait_for_end(client, client.smoke(NAME).id, NAME)
    report = client.status(NAME).smoke
    if report is None or not report.passed:
        failed = [check for check in report.checks if not check.passed] if report else []
        words = "; ".join(f"{check.name}: {check.detail}" for check in failed)
        raise VConsoleError(f"the smoke test of the trial did not pass: {words}")
    say(f"smoke test passed: {len(report.checks)} checks in {report.seconds:.1f} s")
    return report


def _clear(client: SupervisorClient) -> None:
    """End and forget a trial, also one that an earlier upgrade left when it was killed."""
    found = next((one for one in client.status(NAME).servers if one.name == NAME), None)
    if found is None:
        return
    if found.state not in (ServerState.STOPPED, ServerState.FAILED):
        wait_for_end(client, client.stop(NAME, 0).id, NAME)
    client.forget(NAME)


def _own(server: ServerStatus) -> Load:
    if server.model is None or server.state is not ServerState.READY:
        return Load(DEFAULT_DEMO)
    return Load(server.model, server.flags)


def _fits_in_memory(server: ServerStatus, status: Status) -> bool:
    free = status.host.memory_available_bytes or 0
    folder = Path(server.model) if server.model else None
    if folder is None or not folder.is_dir():
        return False
    weights = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    return weights * MODEL_MEMORY + CPU_EXTRA_BYTES < free


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
