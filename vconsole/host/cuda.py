"""What this host's NVIDIA driver can run, to choose a build of vLLM. Not run on CUDA yet."""

from __future__ import annotations

import pynvml

from vconsole.engine.installing.driver import GpuFacts
from vconsole.host.readings import Gpu


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


def visible_cards(cards: tuple[Gpu, ...], setting: str | None) -> tuple[Gpu, ...]:
    """The cards that `CUDA_VISIBLE_DEVICES` leaves to a program, in its order; unset means all.

    As CUDA reads it: indices or beginnings of UUIDs, up to the first that names no card. Indices
    are taken as NVML's, which CUDA numbers alike under `CUDA_DEVICE_ORDER=PCI_BUS_ID`.
    """
    if setting is None:
        return cards
    found: list[Gpu] = []
    for word in setting.split(","):
        card = _named(cards, word.strip())
        if card is None:
            break
        found.append(card)
    return tuple(found)


def _named(cards: tuple[Gpu, ...], word: str) -> Gpu | None:
    if word.isdecimal():
        return next((card for card in cards if card.index == int(word)), None)
    return next((card for card in cards if word and (card.uuid or "").startswith(word)), None)
