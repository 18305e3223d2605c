"""Chunks of a log made into lines, with a bound on the memory that one line can take."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

LONGEST_LINE_BYTES = 64 << 10


class LineSplitter:
    """Hands out a line once its newline came; of a very long one, its beginning and how much more.

    Every newline gives one line, so numbers of lines are those of the file.
    """

    def __init__(self) -> None:
        self._head = b""
        self._dropped_bytes = 0

    def feed(self, chunk: bytes) -> list[str]:
        """The lines that `chunk` completes, without their newlines; undecodable bytes become �."""
        *whole, rest = chunk.split(b"\n")
        lines = []
        for part in whole:
            self._extend(part)
            lines.append(self._taken())
        self._extend(rest)
        return lines

    def rest(self) -> str:
        """What came after the last newline, which may be empty."""
        return self._taken()

    def _extend(self, part: bytes) -> None:
        room = LONGEST_LINE_BYTES - len(self._head)
        self._head += part[:room]
        self._dropped_bytes += max(0, len(part) - room)

    def _taken(self) -> str:
        line = self._head.decode("utf-8", errors="replace")
        if self._dropped_bytes:
            line = f"{line}… ({self._dropped_bytes} more bytes)"
        self._head, self._dropped_bytes = b"", 0
        return line


def split_lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """All lines of a text that comes in chunks; one after the last newline counts if not empty."""
    splitter = LineSplitter()
    for chunk in chunks:
        yield from splitter.feed(chunk)
    if last := splitter.rest():
        yield last
