"""Whether an NVIDIA driver and card can run the CUDA build that would be installed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

# CUDA 13 no longer compiles for Volta; vLLM never ran on anything older.
OLDEST_CAPABILITY = (7, 0)
OLDEST_CAPABILITY_CUDA_13 = (7, 5)
CUDA_SUFFIX = re.compile(r"^nvidia-[\w-]+-cu(?P<major>\d+)\b")


@dataclass(frozen=True, slots=True)
class GpuFacts:
    """The NVIDIA side of this host: the newest CUDA its driver runs, its best card's capability."""

    name: str
    driver_version: str
    cuda_version: tuple[int, int]
    capability: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class DriverVerdict:
    """`usable`, with a sentence that says why or why not."""

    usable: bool
    words: str


def cuda_major(torch_requires: Iterable[str]) -> int | None:
    """The CUDA that a torch wheel brings, by the suffix of its `nvidia-…-cu13` requirements."""
    found = [CUDA_SUFFIX.match(requirement) for requirement in torch_requires]
    return max((int(match["major"]) for match in found if match), default=None)


def judge(gpu: GpuFacts | None, needed_major: int | None) -> DriverVerdict:
    """Judge the driver for a build that needs CUDA `needed_major` (None: not known)."""
    if gpu is None:
        return DriverVerdict(False, "no usable NVIDIA driver on this host")
    has = ".".join(str(part) for part in gpu.cuda_version)
    words = f"{gpu.name}, driver {gpu.driver_version} (CUDA {has})"
    # Minor versions within one CUDA major run on each other's drivers, majors only downwards.
    if needed_major is not None and gpu.cuda_version[0] < needed_major:
        return DriverVerdict(False, f"{words}: too old, this vLLM needs CUDA {needed_major}")
    oldest = OLDEST_CAPABILITY_CUDA_13 if (needed_major or 0) >= 13 else OLDEST_CAPABILITY
    if gpu.capability is not None and gpu.capability < oldest:
        needs, is_ = (".".join(str(part) for part in pair) for pair in (oldest, gpu.capability))
        return DriverVerdict(
            False, f"{words}: its compute capability is {is_}, this vLLM needs {needs}"
        )
    return DriverVerdict(True, f"{words}: good enough")
