"""Memory, processors and disk of this machine, through psutil."""

from __future__ import annotations

import re
from pathlib import Path

import psutil

from vconsole.host.readings import Host, NumaNode

# A folder a node, with its own meminfo (the kernel's Documentation/ABI/stable/sysfs-devices-node).
NODES = Path("/sys/devices/system/node")
NODE_MEMORY = re.compile(r"Mem(Total|Free):\s+(\d+) kB")


def read_host(folder: Path, hostname: str | None = None) -> Host:
    """Read the machine; the free disk is that of the file system that holds `folder`."""
    memory = psutil.virtual_memory()
    return Host(
        memory_total_bytes=memory.total,
        memory_available_bytes=memory.available,
        cpu=psutil.cpu_percent(interval=None) / 100,
        disk_free_bytes=_disk_free_bytes(folder),
        hostname=hostname,
        numa=read_numa(),
    )


def read_numa(folder: Path = NODES) -> tuple[NumaNode, ...]:
    """The nodes that have memory, by their index; none where the kernel tells of none."""
    found = []
    for node in folder.glob("node[0-9]*"):
        try:
            sizes = dict(NODE_MEMORY.findall((node / "meminfo").read_text()))
            total, free = int(sizes["Total"]) * 1024, int(sizes["Free"]) * 1024
            found.append(NumaNode(int(node.name.removeprefix("node")), total, free))
        except (OSError, KeyError, ValueError):
            continue
    return tuple(sorted((node for node in found if node.memory_total_bytes), key=_index))


def _index(node: NumaNode) -> int:
    return node.index


def _disk_free_bytes(folder: Path) -> int | None:
    try:
        return psutil.disk_usage(str(folder)).free
    except OSError:
        return None
