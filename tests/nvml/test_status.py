"""The commands on a host with cards: the supervisor reads them and the scene changes under it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.nvml.scene import Scene
from tests.support.home import Home, wait_until


@pytest.fixture
def gpu_home(tmp_path: Path, scene: Scene, named: dict[str, int]) -> Iterator[Home]:
    """A user on a host with an RTX 4080, on which nothing of vconsole runs."""
    home = Home(tmp_path, "")
    del home.env["VCONSOLE_ENGINE"]
    home.env |= scene.variables
    scene.play("tenants", **named)
    assert home.run("supervisor", "status").code in {0, 3}
    yield home
    home.close()


def test_the_status_page_shows_the_cards_as_they_change(
    gpu_home: Home, scene: Scene, named: dict[str, int]
) -> None:
    assert gpu_home.run("stop").code == 3
    wait_until("the card is read", lambda: gpu_home.status()["gpus"], 10)
    page = gpu_home.status()
    (card,) = page["gpus"]
    assert card["memory_used_bytes"] == 15_837_691_904
    assert {p["name"]: p["owner"] for p in card["processes"]}["ollama"] == "ollama"
    (memory,) = page["card_memory"]
    assert sum(part["bytes"] for part in memory["parts"]) == memory["total_bytes"]
    words = gpu_home.run("status").out
    assert "GPU 0    NVIDIA GeForce RTX 4080  14.8 GiB of 16.0 GiB" in words
    assert "None" not in words

    scene.change("[gpu]\n", "[gpu]\nlost = 1\n")
    words = "lost: it has fallen off the bus"
    wait_until("it is lost", lambda: gpu_home.status()["gpus"][0]["state"] == words, 10)
    assert gpu_home.status()["gpu_note"] == f"GPU 0 is {words}"
    assert f"GPU 0    NVIDIA GeForce RTX 4080  {words}" in gpu_home.run("status").out

    scene.play("not_loaded")
    scene.change("init = !9", "init = !9\ncount = !9")
    wait_until("no card is left", lambda: not gpu_home.status()["gpus"], 10)
    assert gpu_home.status()["gpu_note"] == "the NVIDIA driver is installed but not loaded"
