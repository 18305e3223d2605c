"""The last lines of a log, for the panel that shows no more: without an index of the file."""

from __future__ import annotations

import os
import re
from itertools import islice
from pathlib import Path

from vconsole.engine.log.logline import LogLine, parse
from vconsole.engine.log.redact import Redactor
from vconsole.supervisor.logs.log_parts import live_begin
from vconsole.supervisor.logs.log_secrets import redactor_of

TAIL_BYTES = 64 << 10
ANSWERED = re.compile(rb'"(?:GET|POST) [^"]* HTTP/[\d.]+\\?" 2\d\d')


def read_tail(path: Path, count: int) -> tuple[LogLine, ...]:
    """The last `count` lines that say something; empty where the file cannot be read.

    Answered requests, a line each in uvicorn's access log, say nothing.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            begin = max(live_begin(path), size - TAIL_BYTES)
            file.seek(begin)
            block = file.read(TAIL_BYTES)
    except OSError:
        return ()
    lines = block.split(b"\n")
    if begin == size - TAIL_BYTES:
        lines = lines[1:]
    spoken = (line for line in reversed(lines) if line.strip() and not ANSWERED.search(line))
    redact = redactor_of(path)
    last = [parse(decoded(line, redact)) for line in islice(spoken, count)]
    return tuple(reversed(last))


def stamp_of(path: Path) -> tuple[int, ...]:
    """Changes whenever the file does; empty where there is none."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def decoded(line: bytes, redact: Redactor) -> str:
    """A line as it may be shown."""
    return redact(line.rstrip(b"\r\n").decode("utf-8", errors="replace"))
