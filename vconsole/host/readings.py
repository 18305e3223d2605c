"""What is read of cards and machine, as data alone: importing it loads no driver library."""

from __future__ import annotations

from dataclasses import dataclass

# Of what slows a card down: heat, or a supply that does not keep up.
HOT = frozenset({"thermal", "hardware thermal", "hardware slowdown", "power brake"})


@dataclass(frozen=True, slots=True)
class NumaNode:
    """The memory at one socket; what the kernel caches counts as used."""

    index: int
    memory_total_bytes: int
    memory_free_bytes: int


@dataclass(frozen=True, slots=True)
class Host:
    """One reading; `cpu` is the share of all cores in use since the last reading, 0 to 1."""

    memory_total_bytes: int | None = None
    memory_available_bytes: int | None = None
    cpu: float | None = None
    disk_free_bytes: int | None = None
    hostname: str | None = None
    numa: tuple[NumaNode, ...] = ()


@dataclass(frozen=True, slots=True)
class GpuProcess:
    """Who is on a card; `owner` is `ours`, `foreign` (another vLLM), `ollama` or `other`."""

    pid: int
    name: str | None = None
    user: str | None = None
    memory_bytes: int | None = None
    owner: str = "other"
    graphics: bool = False


@dataclass(frozen=True, slots=True)
class MigInstance:
    """A part of a card in MIG mode, which CUDA sees as a card of its own."""

    uuid: str | None = None
    name: str | None = None
    memory_total_bytes: int | None = None
    memory_used_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Gpu:
    """One card; what it does not support is None.

    `state` is None while it is well, else words for what is wrong, with nothing else to be read.
    Used, free and reserved memory (the driver's own) add up to the total; where an old driver does
    not tell them apart, used holds the reserved. `energy_j` counts since the driver was loaded,
    ECC errors since then too. `memory_bandwidth_bytes_per_s` is what bus and clock allow.
    """

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
    state: str | None = None
    memory_free_bytes: int | None = None
    memory_reserved_bytes: int | None = None
    memory_utilization: float | None = None
    sm_clock_mhz: int | None = None
    sm_clock_max_mhz: int | None = None
    memory_clock_mhz: int | None = None
    memory_clock_max_mhz: int | None = None
    memory_bandwidth_bytes_per_s: int | None = None
    pcie_generation: int | None = None
    pcie_generation_max: int | None = None
    pcie_width: int | None = None
    pcie_width_max: int | None = None
    ecc_enabled: bool | None = None
    ecc_corrected_errors: int | None = None
    ecc_uncorrected_errors: int | None = None
    persistence_mode: bool | None = None
    mig_mode: bool | None = None
    mig_instances: tuple[MigInstance, ...] = ()
    energy_j: float | None = None
    compute_capability: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class GpuReading:
    """The cards of this host; `note` says why there are none, or what is wrong with one."""

    gpus: tuple[Gpu, ...] = ()
    note: str | None = None


@dataclass(frozen=True, slots=True)
class CardPart:
    """A part of a card's memory; of a process whose size nobody tells, `bytes` is None.

    `kind` is one of `weights`, `kv_used`, `kv_free`, `kv` (where its use is not known),
    `vllm_other`, `process` (with name, pid and owner), `unexplained`, `reserved`, `free`.
    """

    kind: str
    bytes: int | None
    name: str | None = None
    pid: int | None = None
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class CardMemory:
    """What fills a card: the bytes of its parts, those known, add up to `total_bytes`.

    `unexplained` is below 0 where processes share memory that each of them counts as its own.
    """

    index: int
    total_bytes: int
    parts: tuple[CardPart, ...]


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
