"""The machine as a doctor sees it: limits, disks, clock, shared memory, tools. Only read.

What cannot be learned is None.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import resource
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from vconsole.host import systemd

SHARED_MEMORY = Path("/dev/shm")
CUDA_HOME = "/usr/local/cuda"
# adjtimex(2): the size of `struct timex` on 64 bits, and what it returns of an unset clock.
TIMEX_BYTES = 208
TIME_ERROR = 5


@dataclass(frozen=True, slots=True)
class Disk:
    """The file system that holds `path`; where it does not exist yet, its nearest parent's."""

    path: Path
    free_bytes: int | None = None
    total_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    """One look. Limits are those of the process asked about; None is no limit there.

    `clock_synchronised` is the kernel's word, `nvcc` and `ninja` are paths of programs.
    """

    memory_total_bytes: int | None = None
    memory_available_bytes: int | None = None
    swap_total_bytes: int | None = None
    swap_used_bytes: int | None = None
    shm: Disk = field(default_factory=lambda: Disk(SHARED_MEMORY))
    models: Disk = field(default_factory=lambda: Disk(Path("/")))
    logs: Disk = field(default_factory=lambda: Disk(Path("/")))
    open_files: int | None = None
    open_files_hard: int | None = None
    processes: int | None = None
    clock_synchronised: bool | None = None
    nvcc: str | None = None
    ninja: str | None = None
    user: str = ""
    is_root: bool = False
    systemd_booted: bool = False
    lingers: bool | None = None


def read_condition(models: Path, logs: Path, pid: int | None = None) -> Condition:
    """Look at everything; a few milliseconds. Limits are those of `pid`, else our own."""
    memory, swap = psutil.virtual_memory(), psutil.swap_memory()
    files, files_hard = _limits(resource.RLIMIT_NOFILE, pid)
    user, booted = _user(), systemd.is_booted()
    return Condition(
        memory_total_bytes=memory.total,
        memory_available_bytes=memory.available,
        swap_total_bytes=swap.total,
        swap_used_bytes=swap.used,
        shm=_disk(SHARED_MEMORY),
        models=_disk(models),
        logs=_disk(logs),
        open_files=_limit(files),
        open_files_hard=_limit(files_hard),
        processes=_limit(_limits(resource.RLIMIT_NPROC, pid)[0]),
        clock_synchronised=clock_synchronised(),
        nvcc=_nvcc(),
        ninja=shutil.which("ninja"),
        user=user,
        is_root=os.geteuid() == 0,
        systemd_booted=booted,
        lingers=systemd.lingers(user) if booted else None,
    )


def clock_synchronised() -> bool | None:
    """Whether the kernel says that something keeps its clock right."""
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(TIMEX_BYTES))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != TIME_ERROR


def _nvcc() -> str | None:
    """The nvcc that FlashInfer would run: of CUDA_HOME, CUDA_PATH, PATH or the usual place."""
    home = os.environ.get("CUDA_HOME") or os.environ.get("CUDA_PATH")
    if home:
        return shutil.which(str(Path(home) / "bin" / "nvcc"))
    return shutil.which("nvcc") or shutil.which(f"{CUDA_HOME}/bin/nvcc")


def _disk(path: Path) -> Disk:
    nearest = path
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    try:
        usage = psutil.disk_usage(str(nearest))
    except OSError:
        return Disk(path)
    return Disk(path, usage.free, usage.total)


def _limits(which: int, pid: int | None) -> tuple[int, int]:
    """The soft and the hard limit; another user's process does not tell, and we say ours then."""
    if pid is not None:
        with contextlib.suppress(OSError):
            return resource.prlimit(pid, which)
    return resource.getrlimit(which)


def _limit(value: int) -> int | None:
    return None if value == resource.RLIM_INFINITY else value


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
