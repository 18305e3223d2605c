"""The processes on a card, as NVML lists them, with their names, users and owners."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import psutil
import pynvml

from vconsole.host import nvml, procfs
from vconsole.host.readings import GpuProcess
from vconsole.host.vllm_processes import user_name

# A list for each kind of use; drivers before 510 know the second names only.
COMPUTE = (
    pynvml.nvmlDeviceGetComputeRunningProcesses_v3,
    pynvml.nvmlDeviceGetComputeRunningProcesses_v2,
)
GRAPHICS = (
    pynvml.nvmlDeviceGetGraphicsRunningProcesses_v3,
    pynvml.nvmlDeviceGetGraphicsRunningProcesses_v2,
)
MPS = (
    pynvml.nvmlDeviceGetMPSComputeRunningProcesses_v3,
    pynvml.nvmlDeviceGetMPSComputeRunningProcesses_v2,
)
Questions = tuple[Callable[..., Any], ...]
Held = dict[int, int | None]


class ProcessReader:
    """Reads who is on the cards; a process is looked up once, as names and users do not change."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], tuple[str | None, str | None]] = {}

    def read(
        self, handles: Iterable[Any], owners: Mapping[int, str]
    ) -> tuple[GpuProcess, ...] | None:
        """The processes on a card, or on the instances of one; None where NVML will not tell."""
        handles = tuple(handles)
        lists = [_listed(questions, handles) for questions in (COMPUTE, GRAPHICS, MPS)]
        if all(held is None for held in lists):
            return None
        compute, graphics, mps = (held or {} for held in lists)
        merged = dict(graphics)
        for pid, size_bytes in (*compute.items(), *mps.items()):
            merged[pid] = _larger(merged.get(pid), size_bytes)
        return tuple(
            self._process(pid, merged[pid], owners, pid in graphics) for pid in sorted(merged)
        )

    def _process(
        self, pid: int, size_bytes: int | None, owners: Mapping[int, str], graphics: bool
    ) -> GpuProcess:
        name, user = self._name_and_user(pid)
        owner = owners.get(pid) or ("ollama" if name and "ollama" in name else "other")
        return GpuProcess(pid, name, user, size_bytes, owner, graphics)

    def _name_and_user(self, pid: int) -> tuple[str | None, str | None]:
        fields = procfs.stat_fields(pid)
        if fields is None:
            return None, None
        key = (pid, int(fields[procfs.START_TICKS]))
        if key not in self._known:
            self._known = {one: found for one, found in self._known.items() if one[0] != pid}
            self._known[key] = _look_up(pid)
        return self._known[key]


def _listed(questions: Questions, handles: tuple[Any, ...]) -> Held | None:
    """Bytes by pid, added up over the instances of a card; None where nothing can be asked."""
    answers = [nvml.ask_either(questions, handle) for handle in handles]
    if all(answer is None for answer in answers):
        return None
    held: Held = {}
    for entry in (entry for answer in answers for entry in answer or ()):
        before = held.get(entry.pid)
        known = before is not None and entry.usedGpuMemory is not None
        held[entry.pid] = before + entry.usedGpuMemory if known else entry.usedGpuMemory
    return held


def _larger(one: int | None, other: int | None) -> int | None:
    """A process that computes and draws stands in both lists, with the same memory."""
    known = [size_bytes for size_bytes in (one, other) if size_bytes is not None]
    return max(known, default=None)


def _look_up(pid: int) -> tuple[str | None, str | None]:
    try:
        process = psutil.Process(pid)
        return process.name(), user_name(process.uids().real)
    except psutil.Error:
        return None, None
