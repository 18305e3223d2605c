"""Reading a server's log by lines over its live part and its archives, while it goes on growing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import TypeVar

from vconsole.engine.log.line_splitter import LineSplitter, split_lines
from vconsole.supervisor.logs.log_parts import (
    CHUNK_BYTES,
    Archive,
    archives,
    begin_after,
    live_begin,
    live_chunks,
    next_number,
    read_live,
)

FIRST_TAIL_BYTES = 128 << 10
# A start prints some hundred lines; a server that served for weeks prints much that matters little.
LAST_OF_RUN_BYTES = 4 << 20
TAIL_GROWTH = 8
T = TypeVar("T")


def live_lines(log_file: Path, offset_bytes: int = 0) -> Iterator[str]:
    """The lines of the live part from an offset on; OSError where there is no log."""
    return split_lines(live_chunks(log_file, offset_bytes))


def lines_of_run(log_file: Path, offset_bytes: int) -> tuple[list[str], int]:
    """The lines of the run that begins there, and the number in the file of the first of them.

    Of a long one the last 4 MiB; OSError where there is no log.
    """
    live = live_begin(log_file)
    begin = max(offset_bytes, log_file.stat().st_size - LAST_OF_RUN_BYTES, live)
    before = sum(chunk.count(b"\n") for chunk in live_chunks(log_file, live, begin))
    return list(live_lines(log_file, begin)), before + 1


def last_lines(
    log_file: Path, count: int, end_bytes: int, take: Callable[[Iterator[str]], list[T]]
) -> list[T]:
    """What `take` makes of the end of the log up to `end_bytes`: its last `count` at least.

    `take` gets ever longer ends until it yields enough, the archives last.
    """
    while True:
        kept = archives(log_file)
        found: list[T] = []
        for lines in _ever_longer(log_file, kept, end_bytes):
            found = take(lines)
            if len(found) >= count:
                break
        if archives(log_file)[-1:] == kept[-1:]:
            return found


def _ever_longer(
    log_file: Path, kept: tuple[Archive, ...], end_bytes: int
) -> Iterator[Iterator[str]]:
    begin, span = begin_after(kept), FIRST_TAIL_BYTES
    while (start := end_bytes - span) > begin:
        yield islice(split_lines(live_chunks(log_file, start, end_bytes)), 1, None)
        span *= TAIL_GROWTH
    yield split_lines(live_chunks(log_file, begin, end_bytes))
    for older in sorted({min(1, len(kept)), len(kept)} - {0}):
        packed = chain.from_iterable(archive.chunks() for archive in kept[-older:])
        yield split_lines(chain(packed, live_chunks(log_file, begin, end_bytes)))


def end_of_lines(log_file: Path) -> int:
    """Offset behind the last newline of the live part; where there is none, where it begins."""
    begin, end = live_begin(log_file), log_file.stat().st_size
    while end > begin:
        start = max(begin, end - CHUNK_BYTES)
        offset, chunk = read_live(log_file, start, end - start)
        if (found := chunk.rfind(b"\n")) >= 0:
            return offset + found + 1
        end = start
    return begin


class LogFollower:
    """New whole lines since `offset_bytes`, each once, also where they were archived meanwhile.

    Redaction changes the length of archived lines but not their number, so it counts lines.
    """

    def __init__(self, log_file: Path, offset_bytes: int) -> None:
        self._log_file = log_file
        self._offset_bytes = offset_bytes
        self._splitter = LineSplitter()
        self._newest = next_number(archives(log_file)) - 1
        self.behind = False
        self._lines_done = self._count(live_begin(log_file), offset_bytes)

    def new_lines(self) -> Iterator[str]:
        """At most a chunk of new lines, after those that archives took before they were read.

        `behind` says afterwards whether there is more to read at once.
        """
        yield from self._catch_up()
        try:
            begin, chunk = read_live(self._log_file, self._offset_bytes, CHUNK_BYTES)
            if not chunk and self._log_file.stat().st_size < self._offset_bytes:
                self._offset_bytes, self._lines_done, self._splitter = 0, 0, LineSplitter()
        except FileNotFoundError:
            return
        self.behind = len(chunk) == CHUNK_BYTES
        if begin != self._offset_bytes and chunk:
            return
        self._offset_bytes += len(chunk)
        self._lines_done += chunk.count(b"\n")
        yield from self._splitter.feed(chunk)

    def _catch_up(self) -> Iterator[str]:
        """Note that lines were archived; return those among them that were not read yet."""
        kept = archives(self._log_file)
        newer = [archive for archive in kept if archive.number > self._newest]
        if not newer:
            return
        begin = begin_after(kept)
        self._newest = newer[-1].number
        if self._offset_bytes >= begin and all(archive.end_bytes for archive in newer):
            self._lines_done = self._count(begin, self._offset_bytes)
            return
        packed = chain.from_iterable(archive.chunks() for archive in newer)
        yield from islice(split_lines(packed), self._lines_done, None)
        self._offset_bytes, self._lines_done, self._splitter = begin, 0, LineSplitter()

    def _count(self, begin: int, end: int) -> int:
        return sum(chunk.count(b"\n") for chunk in live_chunks(self._log_file, begin, end))
