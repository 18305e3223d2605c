"""The memory panel over what fills a card: the same figures as the status page, in its bar."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.console import figures_of_the_sketches as sketches
from tests.console.conftest import Stage, painted, until, until_live
from vconsole.host.card_memory import EngineSizes, card_memory
from vconsole.host.readings import NumaNode
from vconsole.supervisor.model import Status

GIB = sketches.GIB
LOST = "lost: it has fallen off the bus"


def filled() -> Status:
    """The sketch's card, whose server has said what it holds."""
    status = sketches.ready(Path("good.log"))
    card = replace(sketches.CARD, memory_reserved_bytes=GIB // 2)
    card = replace(card, memory_free_bytes=int(0.9 * GIB))
    pids = frozenset(process.pid for process in card.processes if process.owner == "ours")
    memory = card_memory(card, pids, EngineSizes(int(7.2 * GIB), int(5.7 * GIB), 0.54))
    assert memory is not None
    return replace(status, gpus=(card,), card_memory=(memory,))


async def screen(stage: Stage, status: Status, *keys: str) -> list[str]:
    stage.supervise(status)
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await until_live(pilot)
        await pilot.press(*keys)
        if keys:
            await until(pilot, lambda: "Throughput" not in painted(app), "it was alone")
        return painted(app).splitlines()


async def test_weights_cache_and_tenants_are_told_apart_at_80_columns(stage: Stage) -> None:
    drawn = await screen(stage, filled())
    legend = "weights 7.2 █  KV 5.7 ▓▒  vLLM 0.8 █  Ollama 0.5 ■  rest 0.9 ▒  free 0.9 ·"
    row = next(number for number, line in enumerate(drawn) if legend in line)
    bar = drawn[row - 1].strip("│ ")
    assert [glyph for glyph in "█▓▒■·" if glyph not in bar] == []
    assert len(bar) == 76


async def test_a_lost_card_says_so_instead_of_figures(stage: Stage) -> None:
    lost = replace(sketches.CARD, state=LOST, memory_used_bytes=None)
    drawn = await screen(stage, replace(filled(), gpus=(lost,), card_memory=()))
    assert any("GPU 0  RTX 4080" in line and f"▲ {LOST}" in line for line in drawn)


async def test_one_of_two_cards_is_lost(stage: Stage) -> None:
    lost = replace(sketches.CARD, index=1, state=LOST, memory_used_bytes=None)
    drawn = await screen(stage, replace(filled(), gpus=(sketches.CARD, lost)))
    assert any(f"1 RTX 4080  ▲ {LOST}" in line for line in drawn)


async def test_alone_it_names_every_part_and_they_add_up(stage: Stage) -> None:
    drawn = await screen(stage, filled(), "m")
    rows = [row.strip("│ ") for row in drawn if " GiB " in row and " % " in row]
    named = {row[:44].split("  ")[0]: float(row[44:].split()[0]) for row in rows[1:]}
    assert {"weights", "KV cache in use", "ollama", "Xorg", "not explained", "free"} < set(named)
    total = named.pop("total")
    assert abs(sum(named.values()) - total) < 0.05 * len(named)
    assert "248 of 320 W" in "\n".join(drawn)


async def test_alone_many_cards_say_who_is_on_each(stage: Stage) -> None:
    other = replace(sketches.CARD, index=1, name="NVIDIA H100 80GB HBM3")
    drawn = await screen(stage, replace(filled(), gpus=(sketches.CARD, other)), "m")
    row = next(number for number, text in enumerate(drawn) if "1 H100" in text)
    assert any("ollama  pid 811  ollama" in text for text in drawn[row:])


async def test_without_a_card_the_nodes_of_the_host_are_shown(stage: Stage) -> None:
    status = sketches.on_a_cpu(Path("good.log"))
    nodes = (NumaNode(0, 16 * GIB, 5 * GIB), NumaNode(1, 16 * GIB, 9 * GIB))
    drawn = await screen(stage, replace(status, host=replace(status.host, numa=nodes)), "m")
    text = "\n".join(drawn)
    assert "KV space 46.7k tokens" in text
    assert "NUMA 2 nodes" in text
    assert "11.0 of  16.0 GiB" in next(row for row in drawn if "NUMA node 0" in row)
