"""Reading files ahead into the page cache, never so much that it pushes out what others need."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

CHUNK_BYTES = 16 << 20
# What stays available whatever is read ahead: a twentieth of the memory, and 2 GiB at least.
LEAST_LEFT_BYTES = 2 << 30
LEAST_LEFT_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class ReadAhead:
    """How much of what there is was read."""

    read_bytes: int
    total_bytes: int


def read_ahead(files: Sequence[Path], stop: threading.Event) -> ReadAhead:
    """Read `files` once, so that the next reader finds them in memory; ends early when it should.

    That is when `stop` is set, when memory gets short, or at the first file that cannot be read.
    Blocks, so call it in a thread.
    """
    sizes = [_size_bytes(file) for file in files]
    room = memoryview(bytearray(CHUNK_BYTES))
    done = 0
    for file in files:
        try:
            descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            break
        try:
            while not stop.is_set() and _may_go_on():
                count = os.readv(descriptor, [room])
                done += count
                if not count:
                    break
            else:
                break
        except OSError:
            break
        finally:
            os.close(descriptor)
    return ReadAhead(done, sum(sizes))


def _may_go_on() -> bool:
    """The page cache itself counts as available, so that only what others hold is in the way."""
    memory = psutil.virtual_memory()
    left_bytes = max(LEAST_LEFT_BYTES, int(memory.total * LEAST_LEFT_SHARE))
    return bool(memory.available - CHUNK_BYTES > left_bytes)


def _size_bytes(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0
