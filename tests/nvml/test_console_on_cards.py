"""The overview over cards that the real nvidia-ml-py read from the stand-in's scenes."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.console import figures_of_the_sketches as sketches
from tests.console.conftest import Stage, painted, until_live
from tests.console.conftest import stage as stage
from tests.nvml.scene import Scene
from vconsole.host.gpu import GpuReader
from vconsole.supervisor.model import Status


def page(owned: frozenset[int]) -> Status:
    with GpuReader() as reader:
        reading = reader.read(owned, frozenset())
    ready = sketches.ready(Path("good.log"))
    return replace(ready, gpus=reading.gpus, gpu_note=reading.note, card_memory=())


async def shown(stage: Stage, status: Status, size: tuple[int, int]) -> list[str]:
    stage.supervise(status)
    app = stage.console()
    async with app.run_test(size=size) as pilot:
        await until_live(pilot)
        return painted(app).splitlines()


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (140, 45)])
async def test_eight_cards_have_a_row_each(
    stage: Stage, scene: Scene, size: tuple[int, int]
) -> None:
    me = os.getpid()
    scene.play("eight_h100", alice=me, bob=me, carol=me)
    rows = await shown(stage, page(frozenset({me})), size)
    cards = [row for row in rows if row.startswith("│ ") and " H100 " in row]
    assert [row[2] for row in cards] == list("01234567")
    assert all("%" in row and "°C" in row for row in cards)
    text = "\n".join(rows)
    for words in ("READY", "8 GPUs", "1,842 tok/s", "TTFT", "KV cache", "6 Logs", "q leave"):
        assert words in text, words
    assert len(rows) == size[1]


@pytest.mark.parametrize("scene_name", ["desktop", "ollama", "mig", "lost", "unsupported"])
async def test_each_scene_can_be_drawn_at_80(
    stage: Stage, scene: Scene, named: dict[str, int], scene_name: str
) -> None:
    scene.play(scene_name, **named)
    rows = await shown(stage, page(frozenset({named["vllm"]})), (80, 24))
    text = "\n".join(rows)
    assert "GPU" in text
    assert "None" not in text
    assert "q leave" in rows[-1]
    assert ("lost" in text) == (scene_name == "lost")
