"""A host with NVIDIA cards as far as NVML shows them: the real nvidia-ml-py over the stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.nvml.scene import VARIABLE, Scene, build, loaded, processes_named


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("nvml"))


@pytest.fixture
def scene(library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """A scene that this process sees; whoever opens NVML has to close it again."""
    loaded(library)
    made = Scene(tmp_path / "scene.txt", library)
    monkeypatch.setenv(VARIABLE, str(made.path))
    yield made
    assert made.opened == 0, "NVML was left open"


@pytest.fixture
def named(tmp_path: Path) -> Iterator[dict[str, int]]:
    """Pids of processes named as those of a desktop and of Ollama, and one for vLLM."""
    folder = tmp_path / "bin"
    folder.mkdir()
    names = ("Xorg", "gnome-shell", "ollama", "vllm")
    with processes_named(folder, *names) as pids:
        yield pids
