"""Following a log file as it grows, line by line, without blocking the loop."""

from __future__ import annotations

import asyncio
from pathlib import Path

CHUNK_BYTES = 1 << 20


class LogTail:
    """Reads what was appended since the last look; a line is handed out once it is whole.

    tqdm ends its updates with a carriage return, so that counts as an end of line too.
    """

    def __init__(self, path: Path, offset_bytes: int) -> None:
        self._path = path
        self._offset_bytes = offset_bytes
        self._rest = b""

    async def new_lines(self) -> list[str]:
        chunk = await asyncio.to_thread(self._read)
        parts = (self._rest + chunk).replace(b"\r", b"\n").split(b"\n")
        self._rest = parts.pop()
        return [part.decode(errors="replace") for part in parts if part]

    def _read(self) -> bytes:
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset_bytes)
                chunk = file.read(CHUNK_BYTES)
        except OSError:
            return b""
        self._offset_bytes += len(chunk)
        return chunk
