"""Tables for people, for a file of documentation, and for programs."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

from tests.bench.measure import Figure, Table
from vconsole import __version__

LIBRARIES = ("textual", "aiohttp", "httpx", "msgspec", "psutil")
HEADS = ("what", "goal", "median", "min..max", "n", "x anchor", "")


@dataclass(frozen=True, slots=True)
class Machine:
    """Where and when a run was; `load` is the load average at its beginning and its end."""

    at: datetime
    processor: str
    cores: int
    memory_gb: float
    system: str
    versions: dict[str, str]
    load: tuple[float, float]

    def lines(self) -> list[str]:
        told = ", ".join(f"{name} {number}" for name, number in self.versions.items())
        return [
            f"{self.at:%Y-%m-%d %H:%M} UTC, {self.processor}, {self.cores} cores, "
            f"{self.memory_gb:.0f} GB, {self.system}",
            told,
            f"load average {self.load[0]:.1f} at the beginning, {self.load[1]:.1f} at the end",
        ]


def read_machine(load_before: float, engine: str) -> Machine:
    return Machine(
        at=datetime.now(UTC),
        processor=_processor(),
        cores=os.cpu_count() or 1,
        memory_gb=psutil.virtual_memory().total / 1e9,
        system=f"{platform.system()} {platform.release()}",
        versions={
            "vconsole": __version__,
            "Python": platform.python_version(),
            "vLLM": engine,
            **{name: found for name in LIBRARIES if (found := _version(name))},
        },
        load=(load_before, os.getloadavg()[0]),
    )


def as_text(table: Table) -> str:
    rows = [HEADS, *(_cells(table, figure) for figure in table.figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADS))]
    lines = [f"{table.name}: {table.how}"]
    for row in rows:
        first, *rest = (cell for cell in row)
        padded = [cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True)]
        lines.append("  ".join(["  " + first.ljust(widths[0]), *padded]).rstrip())
    return "\n".join(lines)


HEAD = """# Benchmarks

Written by `python -m tests.bench --markdown FILE`.

Absolute figures are those of the machine named, which others use too; goals are held against the
median, and a ratio compares rounds of the same run.

"""


def as_markdown(machine: Machine, tables: list[Table], before: str = "") -> str:
    """A page with these tables; of the page `before` the tables stay that were not measured now."""
    sections = _sections(before) | {table.name: _section(machine, table) for table in tables}
    return HEAD + "\n".join(sections.values())


def _sections(page: str) -> dict[str, str]:
    """The tables of an earlier page by their names, each as it stands there."""
    parts = page.split("\n## ")[1:]
    return {part.partition("\n")[0]: f"## {part.rstrip()}\n" for part in parts}


def _section(machine: Machine, table: Table) -> str:
    lines = [f"## {table.name}", "", table.how[:1].upper() + table.how[1:] + ".", ""]
    lines += [_row(HEADS), _row(("---",) * len(HEADS))]
    lines += [_row(_cells(table, figure)) for figure in table.figures]
    return "\n".join([*lines, "", f"Measured {'; '.join(machine.lines())}.", ""])


def as_data(machine: Machine, tables: list[Table]) -> dict[str, Any]:
    return {
        "machine": {"told": machine.lines(), "versions": machine.versions},
        "tables": [
            {"name": table.name, "figures": [_data(table, figure) for figure in table.figures]}
            for table in tables
        ],
    }


def _data(table: Table, figure: Figure) -> dict[str, Any]:
    return {
        "name": figure.name,
        "unit": figure.unit,
        "goal": figure.goal,
        "median": figure.median,
        "values": figure.values,
        "anchor": figure.anchor,
        "ratio": table.ratio(figure),
        "met": figure.met,
    }


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(table: Table, figure: Figure) -> tuple[str, ...]:
    ratio = table.ratio(figure)
    verdict = {True: "met", False: "MISSED", None: ""}[figure.met]
    low, high = min(figure.values), max(figure.values)
    return (
        figure.name,
        "" if figure.goal is None else f"{figure.goal:g} {figure.unit}",
        f"{_number(figure.median)} {figure.unit}",
        "" if len(figure.values) == 1 else f"{_number(low)}..{_number(high)}",
        str(len(figure.values)),
        "" if ratio is None else f"{ratio:.2f}",
        verdict,
    )


def _number(value: float) -> str:
    if value == 0 or abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3f}".rstrip("0").rstrip(".")


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
