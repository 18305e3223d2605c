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
    cards = [card for i in range(pynvml.nvmlDeviceGetCount()) if (card := _card(i))]
    if not cards:
        return None
    capability, name = max(cards)
    # NVML writes CUDA 12.4 as 12040.
    number = pynvml.nvmlSystemGetCudaDriverVersion_v2()
    return GpuFacts(
        name=name,
        driver_version=str(pynvml.nvmlSystemGetDriverVersion()),
        cuda_version=(number // 1000, number % 1000 // 10),
        capability=capability,
    )


def _card(index: int) -> tuple[tuple[int, int], str] | None:
    """Capability and name of a card; None of one that is lost, as others may do."""
    try:
        handle = pynvml.nvmlDeviceGetHandleByIndex(index)
        major, minor = pynvml.nvmlDeviceGetCudaComputeCapability(handle)
        return (int(major), int(minor)), str(pynvml.nvmlDeviceGetName(handle))
    except pynvml.NVMLError:
        return None
