"""Checks of the cards: who else is on them, and whether they are set up to serve."""

from __future__ import annotations

from collections.abc import Iterable

from vconsole.host.readings import Gpu, GpuProcess
from vconsole.supervisor.doctor.check import Finding, Fix, State, not_applicable, ok, unknown
from vconsole.supervisor.doctor.scene import Scene

GIB = 2**30
MIB = 2**20
# A desktop's few hundred MiB are no reason to disturb anybody.
WORTH_TELLING_BYTES = 256 * MIB


def cards(scene: Scene) -> Finding:
    """Whether every card is well."""
    if not scene.gpus:
        return not_applicable(scene.gpu_note or "no NVIDIA card")
    if scene.gpu_note:
        return Finding(State.BAD, scene.gpu_note, "look for Xid lines: sudo dmesg | grep -i xid")
    slowed = [f"GPU {gpu.index} ({', '.join(gpu.throttle)})" for gpu in scene.gpus if gpu.throttle]
    if slowed:
        detail = f"slowed down now: {'; '.join(slowed)}"
        return Finding(State.WARNING, detail, "see to cooling and power supply")
    return ok(f"{len(scene.gpus)} of {len(scene.gpus)} well")


def tenants(scene: Scene) -> Finding:
    if not scene.gpus:
        return not_applicable(scene.gpu_note or "no NVIDIA card")
    others = [
        process
        for gpu in scene.gpus
        for process in gpu.processes
        if process.owner != "ours" and (process.memory_bytes or 0) >= WORTH_TELLING_BYTES
    ]
    if not others:
        return ok("nobody else holds memory worth mentioning")
    held = sum(process.memory_bytes or 0 for process in others)
    remedy = "end what is not needed: " + "; ".join(_way_out(others))
    gain = f"computed: {held / GIB:.1f} GiB more for the KV cache"
    return Finding(State.WARNING, ", ".join(_words(one) for one in others), remedy, gain)


def persistence_mode(scene: Scene) -> Finding:
    asked = [gpu for gpu in scene.gpus if gpu.persistence_mode is not None]
    if not asked:
        return not_applicable(scene.gpu_note or "no card that knows it")
    off = [gpu for gpu in asked if not gpu.persistence_mode]
    if not off:
        return ok("on")
    root = scene.condition.is_root
    command = ("nvidia-smi", "-pm", "1")
    return Finding(
        State.WARNING,
        f"off on GPU {_indices(off)}: the driver is set up again for each first use",
        "vconsole doctor --fix" if root else f"sudo {' '.join(command)}",
        "expected: seconds less at a start on an idle card",
        Fix("switch persistence mode on for all cards, until the next boot", command)
        if root
        else None,
    )


def pcie_link(scene: Scene) -> Finding:
    asked = [gpu for gpu in scene.gpus if gpu.pcie_width and gpu.pcie_width_max]
    if not asked:
        return not_applicable(scene.gpu_note or "no card that tells its link")
    narrow = [gpu for gpu in asked if (gpu.pcie_width or 0) < (gpu.pcie_width_max or 0)]
    if not narrow:
        return ok(", ".join(f"GPU {gpu.index} x{gpu.pcie_width}" for gpu in asked))
    words = ", ".join(f"GPU {g.index} has x{g.pcie_width} of x{g.pcie_width_max}" for g in narrow)
    return Finding(
        State.WARNING,
        words,
        "another slot, or a riser or BIOS setting that gives the whole width",
        "expected: faster loading of weights, and faster tensor parallelism",
    )


def unread(scene: Scene) -> Finding:
    """Whether the driver tells who holds what, on which other checks rely."""
    if not scene.gpus:
        return not_applicable(scene.gpu_note or "no NVIDIA card")
    silent = [g for g in scene.gpus for p in g.processes if p.memory_bytes is None]
    if silent:
        return unknown(f"on GPU {_indices(silent)} the driver does not tell who holds how much")
    return ok("the driver tells who holds what")


def _words(process: GpuProcess) -> str:
    size = (process.memory_bytes or 0) / GIB
    return f"{process.name or 'a process'} (pid {process.pid}, {process.user}) {size:.1f} GiB"


def _way_out(others: Iterable[GpuProcess]) -> list[str]:
    owners = {process.owner for process in others}
    ways = ["vconsole ollama unload"] if "ollama" in owners else []
    ways += ["vconsole adopt PID takes over another vLLM"] if "foreign" in owners else []
    return ways + (["their users can end the others"] if "other" in owners else [])


def _indices(gpus: Iterable[Gpu]) -> str:
    return ", ".join(str(index) for index in sorted({gpu.index for gpu in gpus}))
