"""What fills a card, to the byte: NVML's figures, and within them what vLLM's log said of its own.

The log rounds to hundredths of a GiB; what that and everything else leaves over is named as such.
"""

from __future__ import annotations

from dataclasses import dataclass

from vconsole.host.readings import CardMemory, CardPart, Gpu, GpuProcess


@dataclass(frozen=True, slots=True)
class EngineSizes:
    """What a server's log and metrics say of each of its cards; None is unknown."""

    weights_bytes: int | None = None
    kv_cache_bytes: int | None = None
    kv_cache_usage: float | None = None


def card_memory(
    gpu: Gpu, pids: frozenset[int] = frozenset(), sizes: EngineSizes | None = None
) -> CardMemory | None:
    """The parts of a card on which the processes `pids` serve; None where NVML tells no sizes.

    total = reserved + used + free, and used = weights + KV cache + vLLM's other + processes +
    unexplained.
    """
    total, used = gpu.memory_total_bytes, gpu.memory_used_bytes
    if total is None or used is None:
        return None
    engine = _engine_parts(gpu, pids, sizes or EngineSizes(), used)
    others = [_process_part(process) for process in gpu.processes if process.pid not in pids]
    others.sort(key=lambda part: -(part.bytes or 0))
    inside = [*engine, *others]
    reserved = gpu.memory_reserved_bytes
    parts = [
        *inside,
        CardPart("unexplained", used - sum(part.bytes or 0 for part in inside)),
        *([] if reserved is None else [CardPart("reserved", reserved)]),
        CardPart("free", total - used - (reserved or 0)),
    ]
    return CardMemory(gpu.index, total, tuple(parts))


def _engine_parts(
    gpu: Gpu, pids: frozenset[int], sizes: EngineSizes, used_bytes: int
) -> list[CardPart]:
    """The server's own part, split by what it said of itself as far as it really holds that.

    In a container NVML lists nobody: there it is taken at its word.
    """
    tree = [process for process in gpu.processes if process.pid in pids]
    in_a_container = not gpu.processes and sizes.weights_bytes is not None
    if not tree and not in_a_container:
        return []
    held = _held_bytes(tree)
    room = used_bytes if held is None else held
    weights = min(sizes.weights_bytes or 0, room)
    kv_cache = min(sizes.kv_cache_bytes or 0, room - weights)
    parts = [
        *([CardPart("weights", weights)] if weights else []),
        *_kv_parts(kv_cache, sizes.kv_cache_usage),
    ]
    other = 0 if held is None else held - weights - kv_cache
    return [*parts, CardPart("vllm_other", other)] if other else parts


def _kv_parts(size_bytes: int, usage: float | None) -> list[CardPart]:
    if not size_bytes:
        return []
    if usage is None:
        return [CardPart("kv", size_bytes)]
    used = round(size_bytes * min(1.0, max(0.0, usage)))
    return [CardPart("kv_used", used), CardPart("kv_free", size_bytes - used)]


def _held_bytes(processes: list[GpuProcess]) -> int | None:
    """What they hold together; None where not every size is told."""
    sizes = [process.memory_bytes for process in processes]
    return None if None in sizes or not sizes else sum(size or 0 for size in sizes)


def _process_part(process: GpuProcess) -> CardPart:
    return CardPart("process", process.memory_bytes, process.name, process.pid, process.owner)
