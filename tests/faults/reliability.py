"""The table of a run of the faults, for a terminal and for `docs/reliability.md`."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime

import psutil

from vconsole import __version__

HEAD = """# Reliability

Faults injected into a real vLLM, and what came of them. After each case the tests look for
themselves: nothing of the server is left or exactly one whole tree, the state is true, the log is
whole, and a server that should serve answers. `make faults` runs them and writes this page.

"""


@dataclass(frozen=True, slots=True)
class Line:
    title: str
    expected: str
    seen: str
    seconds: float
    passed: bool


def as_text(lines: list[Line]) -> str:
    width = max(len(line.title) for line in lines)
    rows = [
        f"{'ok  ' if line.passed else 'FAIL'} {line.title:<{width}} "
        f"{line.seconds:6.1f} s  {line.seen}"
        for line in lines
    ]
    return "\n".join([*rows, _summary(lines)])


def as_markdown(lines: list[Line]) -> str:
    rows = [
        f"| {line.title} | {line.expected} | {line.seen} | {line.seconds:.1f} | "
        f"{'yes' if line.passed else '**no**'} |"
        for line in lines
    ]
    table = "| fault | expected | seen | seconds | held |\n|---|---|---|--:|---|\n"
    return f"{HEAD}{_summary(lines)}\n\n{table}" + "\n".join(rows) + "\n"


def _summary(lines: list[Line]) -> str:
    held = sum(line.passed for line in lines)
    seconds = sum(line.seconds for line in lines)
    memory_gib = psutil.virtual_memory().total / 2**30
    machine = f"{os.cpu_count()} cores, {memory_gib:.0f} GiB, Linux {platform.release()}"
    date = datetime.now(UTC).strftime("%Y-%m-%d")
    return (
        f"{held} of {len(lines)} held, {seconds / 60:.1f} minutes; vconsole {__version__}, "
        f"Python {platform.python_version()}, {machine}, {date}."
    )
