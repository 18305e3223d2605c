"""What benchmarks share: figures with their goals, rounds side by side, and exact CPU time.

A figure is compared only with what was measured in the same run, in the same rounds.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

T = TypeVar("T")
ROUNDS = 7


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured thing: its values in `unit`, the most they may be, and what stands beside it."""

    name: str
    unit: str
    values: tuple[float, ...]
    goal: float | None = None
    anchor: str | None = None

    @property
    def median(self) -> float:
        return median(self.values)

    @property
    def met(self) -> bool | None:
        """Whether the median keeps the goal; None where there is none."""
        return None if self.goal is None else self.median <= self.goal


@dataclass(frozen=True, slots=True)
class Table:
    """The figures of one benchmark, with a sentence on how they were taken."""

    name: str
    how: str
    figures: tuple[Figure, ...]

    def ratio(self, figure: Figure) -> float | None:
        """The figure as a multiple of its anchor: the median of the rounds' own ratios."""
        anchor = next((other for other in self.figures if other.name == figure.anchor), None)
        if anchor is None or anchor.median <= 0:
            return None
        if len(anchor.values) != len(figure.values):
            return figure.median / anchor.median
        pairs = zip(figure.values, anchor.values, strict=True)
        return median(own / other for own, other in pairs if other > 0)


def interleaved(
    subjects: Mapping[str, Callable[[], T]], rounds: int = ROUNDS
) -> dict[str, tuple[T, ...]]:
    """Measure all subjects in turn, round after round; a first round only warms the caches."""
    taken: dict[str, list[T]] = {name: [] for name in subjects}
    for number in range(rounds + 1):
        for name, measure in subjects.items():
            value = measure()
            if number:
                taken[name].append(value)
    return {name: tuple(values) for name, values in taken.items()}


@dataclass(frozen=True, slots=True)
class Spent:
    """What one child cost from its spawn to its end."""

    wall_ms: float
    cpu_ms: float
    resident_mb: float


def run_child(command: Sequence[str], environment: Mapping[str, str]) -> Spent:
    """Run a command to its end and take its time; an exit code other than 0 is an error."""
    begun_s = time.perf_counter()
    child = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(child.pid, 0)
    wall_ms = (time.perf_counter() - begun_s) * 1e3
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {child.returncode}")
    return Spent(wall_ms, (used.ru_utime + used.ru_stime) * 1e3, used.ru_maxrss * 1024 / 1e6)


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and its ended threads, to the nanosecond.

    The clock of another process is (~pid << 3) | 2: clock_getcpuclockid(3), MAKE_PROCESS_CPUCLOCK
    of the kernel's posix-timers.h; `/proc` and psutil count in ticks of 10 ms.
    """
    return time.clock_gettime((~pid << 3) | 2)


def cpu_percent(pid: int, seconds: float) -> float:
    """The share of one core that a process uses in the next `seconds`."""
    begun_s, used_s = time.perf_counter(), cpu_seconds(pid)
    time.sleep(seconds)
    return 100 * (cpu_seconds(pid) - used_s) / (time.perf_counter() - begun_s)
