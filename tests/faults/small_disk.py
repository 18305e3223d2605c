"""A folder on a small disk of its own, in memory, that a test may fill."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SIZE_MIB = 64
AS_ROOT = () if os.geteuid() == 0 else ("sudo", "-n")


@contextmanager
def small_disk(folder: Path, *, wanted: bool = True) -> Iterator[Path]:
    """Mount a disk of 64 MiB at `folder` for the block; needs root or sudo without a password."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if not wanted:
        yield folder
        return
    owner = f"size={SIZE_MIB}m,mode=700,uid={os.geteuid()},gid={os.getegid()}"
    as_root("mount", "-t", "tmpfs", "-o", owner, "tmpfs", str(folder))
    try:
        yield folder
    finally:
        as_root("umount", "--lazy", str(folder))


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Make `folder` read-only for whoever opens files anew, as a disk with an error becomes."""
    as_root("mount", "--bind", str(folder), str(folder))
    try:
        as_root("mount", "-o", "remount,bind,ro", str(folder))
        yield
    finally:
        as_root("umount", "--lazy", str(folder))


def as_root(*command: str) -> None:
    subprocess.run([*AS_ROOT, *command], check=True, capture_output=True)
