"""What this host's NVIDIA driver can run, to choose a build of vLLM. Not run on CUDA yet."""

from __future__ import annotations

import pynvml

from vconsole.engine.driver import GpuFacts


def cuda_facts() -> GpuFacts | None:
    """The driver's newest CUDA and the best card's capability; None without a usable driver."""
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return None
    try:
        return _facts()
    except pynvml.NVMLError:
        return None
    finally:
        pynvml.nvmlShutdown()


def _facts() -> GpuFacts | None:
    cards = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
    if not cards:
        return None
    capability, best = max(
        ((_capability(card), card) for card in cards), key=lambda entry: entry[0]
    )
    # NVML writes CUDA 12.4 as 12040.
    number = pynvml.nvmlSystemGetCudaDriverVersion_v2()
    return GpuFacts(
        name=str(pynvml.nvmlDeviceGetName(best)),
        driver_version=str(pynvml.nvmlSystemGetDriverVersion()),
        cuda_version=(number // 1000, number % 1000 // 10),
        capability=capability,
    )


def _capability(card: object) -> tuple[int, int]:
    major, minor = pynvml.nvmlDeviceGetCudaComputeCapability(card)
    return int(major), int(minor)
