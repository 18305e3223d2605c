"""What Ollama's processes hold of this machine's memory, and since when they run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import psutil

# Ollama serves each loaded model by a child of its own: `ollama runner …`.
RUNNER = "runner"


@dataclass(frozen=True, slots=True)
class Holding:
    """`memory_bytes` is resident, files that are mapped included.

    `runner_since_at` is there where one model's process alone runs.
    """

    since_at: datetime | None = None
    memory_bytes: int | None = None
    runner_since_at: datetime | None = None


def holding(pid: int) -> Holding:
    """Of the process that serves, and of its children; empty where it is gone or hidden."""
    try:
        server = psutil.Process(pid)
        since_at = _started_at(server)
        children = server.children(recursive=True)
    except psutil.Error:
        return Holding()
    runners = list(_runners(children))
    return Holding(
        since_at,
        sum(map(_resident_bytes, (server, *children))),
        runners[0] if len(runners) == 1 else None,
    )


def _runners(children: list[psutil.Process]) -> Iterator[datetime]:
    for child in children:
        with suppress(psutil.Error):
            if RUNNER in child.cmdline()[1:2]:
                yield _started_at(child)


def _resident_bytes(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def _started_at(process: psutil.Process) -> datetime:
    return datetime.fromtimestamp(process.create_time(), UTC)
