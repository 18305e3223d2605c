"""All NVIDIA cards through NVML: what each holds, does and draws, with the processes on it.

No driver, a wrong one and a lost card are ordinary answers, in words. NVML is opened once and
opened anew only after it failed. Tried on a stand-in for the driver's library, not on a card yet.
"""

from __future__ import annotations

import contextlib
import threading
import time

import pynvml

from vconsole.host import nvml
from vconsole.host.gpu_card import Card
from vconsole.host.gpu_processes import ProcessReader
from vconsole.host.readings import Gpu, GpuReading

RETRY_S = 10.0


class GpuReader:
    """Keeps NVML open between readings, of which one runs at a time."""

    def __init__(self, retry_s: float = RETRY_S) -> None:
        self._retry_s = retry_s
        self._open = False
        self._reopen_at_s = 0.0
        self._note: str | None = None
        self._cards: dict[int, Card] = {}
        self._facts: dict[int, Gpu] = {}
        self._processes = ProcessReader()
        self._lock = threading.Lock()

    def __enter__(self) -> GpuReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(
        self,
        owned_pids: frozenset[int] = frozenset(),
        foreign_pids: frozenset[int] = frozenset(),
    ) -> GpuReading:
        """Read all cards; `owned_pids` are marked as ours, `foreign_pids` as another vLLM's."""
        owners = dict.fromkeys(foreign_pids, "foreign") | dict.fromkeys(owned_pids, "ours")
        with self._lock:
            if not self._open and time.monotonic() < self._reopen_at_s:
                return GpuReading(note=self._note)
            try:
                self._ensure_open()
                cards = range(pynvml.nvmlDeviceGetCount())
                return self._judged(tuple(self._read_card(index, owners) for index in cards))
            except pynvml.NVMLError as error:
                self._close()
                self._note, self._reopen_at_s = nvml.words(error), self._retry_at_s()
                return GpuReading(note=self._note)

    def close(self) -> None:
        with self._lock:
            self._close()

    def _ensure_open(self) -> None:
        if not self._open:
            pynvml.nvmlInit()
            self._open, self._reopen_at_s = True, 0.0

    def _read_card(self, index: int, owners: dict[int, str]) -> Gpu:
        try:
            if index not in self._cards:
                self._cards[index] = Card(index, self._processes)
                self._facts[index] = self._cards[index].fixed
            return self._cards[index].read(owners)
        except pynvml.NVMLError as error:
            if nvml.is_of_the_driver(error):
                raise
            state = nvml.OF_THE_CARD.get(error.value) or f"not to be read: {nvml.words(error)}"
            known = self._facts.get(index, Gpu(index))
            return Gpu(index, known.uuid, known.name, known.memory_total_bytes, state=state)

    def _judged(self, gpus: tuple[Gpu, ...]) -> GpuReading:
        """With a note for whoever is not well; a card that was reset needs NVML opened anew."""
        unwell = [f"GPU {gpu.index} is {gpu.state}" for gpu in gpus if gpu.state]
        if not unwell:
            self._reopen_at_s = 0.0
        elif not self._reopen_at_s:
            self._reopen_at_s = self._retry_at_s()
        elif time.monotonic() >= self._reopen_at_s:
            self._close()
        return GpuReading(gpus, "; ".join(unwell) or None)

    def _retry_at_s(self) -> float:
        return time.monotonic() + self._retry_s

    def _close(self) -> None:
        if self._open:
            # A driver that went away cannot be told good-bye.
            with contextlib.suppress(pynvml.NVMLError):
                pynvml.nvmlShutdown()
        self._open = False
        self._cards.clear()
