"""What is read of cards and machine, as data alone: importing it loads no driver library."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Host:
    """One reading; `cpu` is the share of all cores in use since the last reading, 0 to 1."""

    memory_total_bytes: int | None = None
    memory_available_bytes: int | None = None
    cpu: float | None = None
    disk_free_bytes: int | None = None
    hostname: str | None = None


@dataclass(frozen=True, slots=True)
class GpuProcess:
    pid: int
    name: str | None = None
    user: str | None = None
    memory_bytes: int | None = None
    owner: str = "other"


@dataclass(frozen=True, slots=True)
class Gpu:
    index: int
    uuid: str | None = None
    name: str | None = None
    memory_total_bytes: int | None = None
    memory_used_bytes: int | None = None
    utilization: float | None = None
    temperature_c: int | None = None
    power_w: float | None = None
    power_limit_w: float | None = None
    throttle: tuple[str, ...] = ()
    processes: tuple[GpuProcess, ...] = ()


@dataclass(frozen=True, slots=True)
class GpuReading:
    """The cards of this host; `note` says in words why there are none, or none can be read."""

    gpus: tuple[Gpu, ...] = ()
    note: str | None = None


@dataclass(frozen=True, slots=True)
class ForeignServer:
    """A vLLM that vconsole did not start; `model` is None where its key is not known to us.

    `memory_bytes` is what its processes hold for themselves in RAM, `command` has no secrets, and
    `start_ticks` tells it from a later process of the same pid.
    """

    pid: int
    user: str
    port: int
    model: str | None = None
    version: str | None = None
    memory_bytes: int | None = None
    gpu_memory_bytes: int | None = None
    url: str | None = None
    command: tuple[str, ...] = ()
    start_ticks: int | None = None


@dataclass(frozen=True, slots=True)
class StrayProcess:
    """An engine that outlived its API server, with its workers in `pids`; it serves nobody."""

    pid: int
    user: str
    name: str
    memory_bytes: int | None = None
    gpu_memory_bytes: int | None = None
    pids: tuple[int, ...] = ()
