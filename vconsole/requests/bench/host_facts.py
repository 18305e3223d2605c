"""The machine that a bench was made on."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import psutil

from vconsole import __version__
from vconsole.host.gpu import GpuReader
from vconsole.requests.bench.plan import HostFacts


def read_host() -> HostFacts:
    """Blocks for a moment."""
    with GpuReader() as reader:
        gpus = tuple(gpu.name for gpu in reader.read().gpus if gpu.name)
    return HostFacts(
        name=platform.node() or "this host",
        processor=_processor(),
        cores=os.cpu_count(),
        memory_bytes=psutil.virtual_memory().total,
        gpus=gpus,
        system=f"{platform.system()} {platform.release()}",
        vconsole=__version__,
        load_average=tuple(round(each, 2) for each in os.getloadavg()),
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
