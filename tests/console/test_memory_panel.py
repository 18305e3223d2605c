"""The memory panel over what fills a card: the same figures as the status page, in its bar."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.console import figures_of_the_sketches as sketches
from tests.console.conftest import Stage, painted, until_live
from vconsole.host.card_memory import EngineSizes, card_memory
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


async def screen(stage: Stage, status: Status) -> list[str]:
    stage.supervise(status)
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await until_live(pilot)
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
