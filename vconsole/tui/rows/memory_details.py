"""What the memory panel says when it has the screen to itself: every part by name, and the facts.

The parts of a card add up to its total, as `docs/memory.md` has it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vconsole.host.readings import CardMemory, CardPart, Gpu, GpuProcess, Host
from vconsole.tui.drawing import figures
from vconsole.tui.drawing.glyphs import Glyphs
from vconsole.tui.drawing.graph import stacked_bar
from vconsole.tui.drawing.text import Line, Role, fit, line

NAME_CELLS, SIZE_CELLS, SHARE_CELLS = 44, 9, 8
NODE_CELLS = 40
KINDS = {
    "weights": "weights",
    "kv_used": "KV cache in use",
    "kv_free": "KV cache, free",
    "kv": "KV cache",
    "vllm_other": "vLLM's other memory",
    "unexplained": "not explained",
    "reserved": "reserved by the driver",
    "free": "free",
}


def card_details(card: Gpu, memory: CardMemory | None, glyphs: Glyphs) -> list[Line]:
    """The parts of one card, a row each, and what else NVML says of it."""
    rows = list(_parts(card, memory)) if memory else list(_processes(card))
    facts = [fact for fact in _facts(card, glyphs) if fact]
    return [(), *rows, *([(), *facts] if facts else [])]


def cards_details(cards: Sequence[Gpu]) -> dict[int, list[Line]]:
    """Who is on each card, by its index."""
    return {card.index: list(_processes(card)) for card in cards}


def host_details(host: Host, glyphs: Glyphs) -> list[Line]:
    """The memory of each NUMA node."""
    rows: list[Line] = [()]
    for node in host.numa:
        used = node.memory_total_bytes - node.memory_free_bytes
        parts = [
            (float(used), glyphs.full, Role.ACCENT),
            (float(node.memory_free_bytes), glyphs.empty, Role.FAINT),
        ]
        rows.append(
            line(
                (f"NUMA node {node.index}  ", Role.DIM),
                stacked_bar(parts, float(node.memory_total_bytes), NODE_CELLS),
                f"  {figures.gib(used):>5}",
                (f" of {figures.gib(node.memory_total_bytes):>5} GiB", Role.DIM),
            )
        )
    note = "Used counts cached files too, which the kernel gives back at need."
    return [*rows, (), line((note, Role.DIM))] if host.numa else []


def _parts(card: Gpu, memory: CardMemory) -> Iterator[Line]:
    for part in memory.parts:
        yield _row(*_called(part, card.processes), part.bytes, memory.total_bytes)
    yield _row("total", "", memory.total_bytes, memory.total_bytes, Role.STRONG)


def _processes(card: Gpu) -> Iterator[Line]:
    for process in card.processes:
        name = process.name or "a process"
        yield _row(name, _who(process), process.memory_bytes, card.memory_total_bytes)


def _called(part: CardPart, processes: Sequence[GpuProcess]) -> tuple[str, str]:
    """A part's name, and whose it is."""
    found = next((one for one in processes if part.pid is not None and one.pid == part.pid), None)
    name = part.name or KINDS.get(part.kind, part.kind)
    return name, _who(found) if found else ""


def _who(process: GpuProcess) -> str:
    return f"pid {process.pid}" + (f"  {process.user}" if process.user else "")


def _row(
    name: str, who: str, size_bytes: int | None, total: int | None, role: Role = Role.TEXT
) -> Line:
    share = size_bytes / total if size_bytes is not None and total else None
    return line(
        fit(line((name, role), (f"  {who}", Role.DIM)), NAME_CELLS),
        (f"{figures.gib(size_bytes):>{SIZE_CELLS - 4}} GiB", role),
        (f"{figures.percent(share):>{SHARE_CELLS}}", Role.DIM),
    )


def _facts(card: Gpu, glyphs: Glyphs) -> Iterator[Line]:
    """What of clocks, bus, errors and parts is known."""
    between = f"  {glyphs.between}  "
    yield _joined("now", between, _pace(card))
    yield _joined("card", between, _bus(card))
    yield _joined("held back by", between, card.throttle, Role.WARN)
    for part in card.mig_instances:
        used, total = figures.gib(part.memory_used_bytes), figures.gib(part.memory_total_bytes)
        yield line(("MIG  ", Role.DIM), f"{part.name or part.uuid or 'a part'}  {used} of {total}")


def _joined(label: str, between: str, facts: Sequence[str], role: Role = Role.TEXT) -> Line:
    return line((f"{label}  ", Role.DIM), (between.join(facts), role)) if facts else ()


def _pace(card: Gpu) -> list[str]:
    clocks = (
        ("SM", card.sm_clock_mhz, card.sm_clock_max_mhz),
        ("memory", card.memory_clock_mhz, card.memory_clock_max_mhz),
    )
    facts = [
        f"{name} {figures.count(now)} of {figures.count(most)} MHz"
        for name, now, most in clocks
        if now is not None
    ]
    if card.power_w is not None and card.power_limit_w is not None:
        facts.append(f"{card.power_w:.0f} of {card.power_limit_w:.0f} W")
    return facts


def _bus(card: Gpu) -> list[str]:
    facts = []
    if card.pcie_generation is not None and card.pcie_width is not None:
        most = f" of {card.pcie_generation_max} x{card.pcie_width_max}"
        known = card.pcie_generation_max is not None and card.pcie_width_max is not None
        now = f"PCIe {card.pcie_generation} x{card.pcie_width}"
        facts.append(now + (most if known else ""))
    if card.ecc_enabled is not None:
        wrong = card.ecc_uncorrected_errors
        errors = f", {figures.count(wrong)} uncorrected errors" if wrong else ""
        facts.append(f"ECC {'on' if card.ecc_enabled else 'off'}{errors}")
    return facts
