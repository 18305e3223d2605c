"""Memory, processors and disk of this machine, through psutil."""

from __future__ import annotations

from pathlib import Path

import psutil

from vconsole.host.readings import Host


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
