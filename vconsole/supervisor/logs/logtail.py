"""Following a log file as it grows, line by line, without blocking the loop."""

from __future__ import annotations

import asyncio
from pathlib import Path

from vconsole.engine.log.line_splitter import LineSplitter
from vconsole.supervisor.logs.log_parts import read_live

# Parsing this much of a flood holds up the loop for some 15 ms.
CHUNK_BYTES = 256 << 10


class LogTail:
    """Reads what was appended since the last look; a line is handed out once it is whole.

    tqdm ends its updates with a carriage return, so that counts as an end of line too.
    """

    def __init__(self, path: Path, offset_bytes: int) -> None:
        self._path = path
        self._offset_bytes = offset_bytes
        self._splitter = LineSplitter()
        self.behind = False

    async def new_lines(self) -> list[str]:
        """At most a chunk of lines; `behind` says afterwards that there is more to read."""
        chunk = await asyncio.to_thread(self._read)
        self.behind = len(chunk) == CHUNK_BYTES
        return [line for line in self._splitter.feed(chunk.replace(b"\r", b"\n")) if line]

    def _read(self) -> bytes:
        try:
            begin, chunk = read_live(self._path, self._offset_bytes, CHUNK_BYTES)
        except OSError:
            return b""
        self._offset_bytes = begin + len(chunk)
        return chunk
