"""The supervisor's own log, kept to a size: one file, and the one before it.

It is standard error, appended to `supervisor.log` by whoever starts a supervisor. A terminal or a
journal is somebody else's to keep, and is left alone.
"""

from __future__ import annotations

import contextlib
import logging
import os
from pathlib import Path

MIB = 2**20
LIMIT_BYTES = 4 * MIB
STDOUT, STDERR = 1, 2


class OwnLog(logging.StreamHandler):  # type: ignore[type-arg]
    """Writes to standard error, and puts the file behind it away once it is longer than the limit.

    Tracebacks of the interpreter go to the same descriptor, and so to the new file too.
    """

    def __init__(self, path: Path, limit_bytes: int = LIMIT_BYTES) -> None:
        super().__init__()
        self._path = path
        self._limit_bytes = limit_bytes

    def emit(self, record: logging.LogRecord) -> None:
        super().emit(record)
        # Should the disk refuse, the log goes on in the file that there is.
        with contextlib.suppress(OSError):
            there = os.fstat(STDERR)
            if there.st_size <= self._limit_bytes:
                return
            if _is(there, self._path):
                self._path.replace(_before(self._path))
                go_on_in(self._path)
            # A second supervisor, which our lock refused, may have put our file away.
            elif _is(there, _before(self._path)):
                go_on_in(self._path)


def go_on_in(path: Path) -> None:
    """Have all that this process says appended to that file."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        os.dup2(descriptor, STDOUT)
        os.dup2(descriptor, STDERR)
    finally:
        os.close(descriptor)


def _before(path: Path) -> Path:
    return path.with_name(f"{path.name}.1")


def _is(there: os.stat_result, path: Path) -> bool:
    try:
        return os.path.samestat(there, path.stat())
    except FileNotFoundError:
        return False
