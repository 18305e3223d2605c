"""The card that a plan is for: the freest of this host, another by name, or the host's memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from vconsole import paths
from vconsole.host.readings import Gpu, Host
from vconsole.models.cards import card_of_memory, find_card
from vconsole.models.fit.plan import Card, Tenant, is_unified


@dataclass(frozen=True, slots=True)
class TargetCard:
    """`bandwidth_bytes_per_s` is None where nobody says it."""

    card: Card
    bandwidth_bytes_per_s: int | None = None


def named_card(gpu: str | None, gpu_memory_gib: float | None) -> TargetCard:
    """The card of `--gpu` or `--gpu-memory`; without either, the freest one of this host."""
    if gpu is not None:
        known = find_card(gpu)
        return TargetCard(known.card, known.bandwidth_bytes_per_s)
    if gpu_memory_gib is not None:
        return TargetCard(card_of_memory(gpu_memory_gib))
    from vconsole.host.gpu import GpuReader
    from vconsole.host.machine import read_host

    with GpuReader() as reader:
        gpus = reader.read().gpus
    return card_of_host(gpus, read_host(paths.state_dir().parent))


def card_of_host(gpus: Iterable[Gpu], host: Host, without_ours: bool = False) -> TargetCard:
    """The freest card, or the host's memory where there is none.

    With `without_ours` what our own servers hold counts as free: for a plan that replaces them.
    """
    read = [with_memory(gpu, host) for gpu in gpus]
    usable = [gpu for gpu in read if gpu.memory_total_bytes and not gpu.state]
    if not usable:
        total, free = host.memory_total_bytes or 0, host.memory_available_bytes or 0
        return TargetCard(Card("this machine's memory", total, free, is_cpu=True))
    best = max(usable, key=lambda gpu: _free_bytes(gpu, without_ours))
    same = [gpu for gpu in usable if gpu.name == best.name]
    tenants = tuple(
        Tenant(one.name or "unknown", one.memory_bytes or 0, one.pid)
        for one in best.processes
        if not (without_ours and one.owner == "ours")
    )
    card = Card(
        best.name or f"GPU {best.index}",
        cuda_total_bytes(best),
        _free_bytes(best, without_ours),
        count=len(same),
        capability=best.compute_capability,
        tenants=tenants,
    )
    return TargetCard(card, best.memory_bandwidth_bytes_per_s)


def with_memory(gpu: Gpu, host: Host) -> Gpu:
    """The card, with the host's memory where it has none of its own and the driver tells none."""
    if gpu.memory_total_bytes is not None or not is_unified(gpu.name or ""):
        return gpu
    total, free = host.memory_total_bytes, host.memory_available_bytes
    return replace(gpu, memory_total_bytes=total, memory_free_bytes=free)


def cuda_total_bytes(gpu: Gpu) -> int:
    """The memory that CUDA, and so vLLM, calls the total: without what the driver reserves."""
    return (gpu.memory_total_bytes or 0) - (gpu.memory_reserved_bytes or 0)


def _free_bytes(gpu: Gpu, without_ours: bool) -> int:
    free = gpu.memory_free_bytes
    if free is None:
        free = (gpu.memory_total_bytes or 0) - (gpu.memory_used_bytes or 0)
    ours = sum(one.memory_bytes or 0 for one in gpu.processes if one.owner == "ours")
    return free + ours if without_ours else free
