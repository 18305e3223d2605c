"""Memory, processors and disk of this machine, through psutil."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True, slots=True)
class Host:
    """One reading; `cpu` is the share of all cores in use since the last reading, 0 to 1."""

    memory_total_bytes: int | None = None
    memory_available_bytes: int | None = None
    cpu: float | None = None
    disk_free_bytes: int | None = None
    hostname: str | None = None


def read_host(folder: Path, hostname: str | None = None) -> Host:
    """Read the machine; the free disk is that of the file system that holds `folder`."""
    memory = psutil.virtual_memory()
    return Host(
        memory_total_bytes=memory.total,
        memory_available_bytes=memory.available,
        cpu=psutil.cpu_percent(interval=None) / 100,
        disk_free_bytes=_disk_free_bytes(folder),
        hostname=hostname,
    )


def _disk_free_bytes(folder: Path) -> int | None:
    try:
        return psutil.disk_usage(str(folder)).free
    except OSError:
        return None
