"""The doctor on a host with cards, as a user runs it: NVML's stand-in and a forged CUDA engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.nvml.scene import Scene
from tests.support.forged_engine import forge_engine
from tests.support.home import Home, wait_until

SITE = "lib/python3.11/site-packages"
KERNELS = f"""folder="$(dirname "$0")/../{SITE}/flashinfer_cubin-0.7.2.dist-info"
mkdir "$folder" && touch "$folder/METADATA\""""


@pytest.fixture
def gpu_home(tmp_path: Path, scene: Scene, named: dict[str, int]) -> Iterator[Home]:
    """A user with an RTX 4080 that others are on, and an engine without precompiled kernels."""
    python = forge_engine(tmp_path / "engine", script=KERNELS, flashinfer_python="0.7.2")
    home = Home(tmp_path, str(python))
    home.env |= scene.variables
    home.env["PATH"] = "/usr/bin:/bin"
    home.env["CUDA_HOME"] = str(tmp_path / "no-cuda")
    scene.play("tenants", **named)
    scene.change("[gpu]\n", "[gpu]\ncapability = 8 9\n")
    yield home
    home.close()


def checks(home: Home, *arguments: str) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in home.run("doctor", "--json", *arguments).data["checks"]}


def test_a_card_with_tenants_and_an_engine_without_kernels(gpu_home: Home) -> None:
    assert gpu_home.run("stop").code == 3
    wait_until("the card is read", lambda: gpu_home.status()["gpus"], 10)
    found = checks(gpu_home)
    assert found["driver"]["status"] == "ok"
    assert found["tenants"]["status"] == "warning"
    assert "vconsole ollama unload" in found["tenants"]["remedy"]
    assert found["flashinfer-kernels"]["status"] == "bad"
    assert found["flashinfer-kernels"]["fixable"] is True
    page = gpu_home.run("doctor")
    assert page.code == 1
    assert "optimisations in place" in page.out.splitlines()[0]


def test_a_fix_says_what_it_does_and_asks_first(gpu_home: Home, tmp_path: Path) -> None:
    assert gpu_home.run("stop").code == 3
    wait_until("the card is read", lambda: gpu_home.status()["gpus"], 10)
    asked = gpu_home.run("doctor", "--fix")
    assert asked.code == 2
    assert "install FlashInfer's precompiled kernels" in asked.err
    assert checks(gpu_home)["flashinfer-kernels"]["status"] == "bad"
    assert gpu_home.run("--readonly", "doctor", "--fix", "--yes").code == 5
    mended = gpu_home.run("doctor", "--fix", "--yes")
    assert f": {tmp_path}/engine/bin/vllm download-kernels" in mended.err
    assert checks(gpu_home)["flashinfer-kernels"]["status"] == "ok"
