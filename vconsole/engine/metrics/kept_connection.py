"""One GET after another over a connection that stays open: what a scrape a second needs, no more.

A tenth of what a general client costs. HTTP/1.1 as RFC 9112 has it, bodies by length, in chunks or
until the end of the connection.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

LARGEST_HEAD_BYTES = 64 << 10
CONNECT_PATIENCE_S = 3.0
DEFAULT_PORT = 80

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class CannotConnectError(Exception):
    """Nobody listens."""


class BrokenAnswerError(Exception):
    """The answer ended too early, has no end, or is no HTTP."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    keeps: bool
    """Whether the connection may carry another request."""


class KeptConnection:
    """Keeps at most one idle connection to `url` (http) or `uds`, for at most `idle_s`.

    Calls may overlap: one that finds no idle connection opens its own. A connection that the peer
    closed while it was idle costs a second attempt, not an error.
    """

    def __init__(
        self, url: str, headers: Mapping[str, str], uds: str | None, idle_s: float, largest: int
    ) -> None:
        self._host = urlsplit(url)
        self._uds = uds
        self._idle_s = idle_s
        self._largest_bytes = largest
        lines = [f"Host: {self._host.netloc}", *(f"{k}: {v}" for k, v in headers.items())]
        self._head = "\r\n".join(lines)
        self._idle: Streams | None = None
        self._idle_since_s = 0.0

    async def get(self, path: str) -> Answer:
        """The answer to `GET path`; `CannotConnectError`, `BrokenAnswerError`."""
        request = f"GET {self._host.path}{path} HTTP/1.1\r\n{self._head}\r\n\r\n".encode("latin-1")
        if streams := self._take_idle():
            try:
                return await self._exchange(streams, request)
            except _ClosedMeanwhileError:
                pass
        try:
            return await self._exchange(await self._open(), request)
        except _ClosedMeanwhileError as error:
            raise BrokenAnswerError("the connection was closed without an answer") from error

    def close(self) -> None:
        if self._idle:
            self._idle[1].close()
            self._idle = None

    def _take_idle(self) -> Streams | None:
        streams, self._idle = self._idle, None
        if streams is None:
            return None
        if time.monotonic() - self._idle_since_s < self._idle_s and not streams[0].at_eof():
            return streams
        streams[1].close()
        return None

    async def _open(self) -> Streams:
        limit = LARGEST_HEAD_BYTES
        try:
            async with asyncio.timeout(CONNECT_PATIENCE_S):
                if self._uds is not None:
                    return await asyncio.open_unix_connection(self._uds, limit=limit)
                host, port = self._host.hostname or "", self._host.port or DEFAULT_PORT
                return await asyncio.open_connection(host, port, limit=limit)
        except OSError as error:
            raise CannotConnectError(str(error) or type(error).__name__) from error

    async def _exchange(self, streams: Streams, request: bytes) -> Answer:
        reader, writer = streams
        keeps = False
        try:
            writer.write(request)
            answer = await self._read(reader)
            keeps = answer.keeps
            return answer
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            if isinstance(error, TimeoutError):
                raise
            raise BrokenAnswerError(str(error) or type(error).__name__) from error
        except ValueError as error:
            raise BrokenAnswerError(f"this is no HTTP: {error}") from error
        finally:
            if keeps and self._idle is None:
                self._idle, self._idle_since_s = streams, time.monotonic()
            else:
                writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> Answer:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            if isinstance(error, asyncio.IncompleteReadError) and error.partial:
                raise
            raise _ClosedMeanwhileError from error
        first, *lines = head.decode("latin-1").split("\r\n")
        version, status = first.split(" ", 2)[:2]
        if not version.startswith("HTTP/1."):
            raise ValueError(first)
        pairs = (line.partition(":") for line in lines if line)
        fields = {name.lower(): value.strip().lower() for name, _, value in pairs}
        body, ends = await self._read_body(reader, fields)
        keeps = not ends and version == "HTTP/1.1" and fields.get("connection") != "close"
        return Answer(int(status), body, keeps)

    async def _read_body(
        self, reader: asyncio.StreamReader, fields: Mapping[str, str]
    ) -> tuple[bytes, bool]:
        """The body, and whether only the end of the connection ended it."""
        if "chunked" in fields.get("transfer-encoding", ""):
            return await self._read_chunks(reader), False
        if "content-length" in fields:
            return await reader.readexactly(self._bounded(int(fields["content-length"]))), False
        pieces, size_bytes = [], 0
        while piece := await reader.read(LARGEST_HEAD_BYTES):
            size_bytes = self._bounded(size_bytes + len(piece))
            pieces.append(piece)
        return b"".join(pieces), True

    async def _read_chunks(self, reader: asyncio.StreamReader) -> bytes:
        pieces, size_bytes = [], 0
        while size := int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16):
            size_bytes = self._bounded(size_bytes + size)
            pieces.append((await reader.readexactly(size + 2))[:size])
        while await reader.readuntil(b"\r\n") != b"\r\n":
            pass
        return b"".join(pieces)

    def _bounded(self, size_bytes: int) -> int:
        if not 0 <= size_bytes <= self._largest_bytes:
            raise EndlessAnswerError
        return size_bytes


class EndlessAnswerError(BrokenAnswerError):
    """More than anybody should send."""


class _ClosedMeanwhileError(Exception):
    """The peer closed the connection before it said a word."""
