"""One HTTP request over a Unix socket, and its answer whole or line by line as it comes.

A face needs no more of HTTP/1.1 (RFC 9112) than this. The standard library's client, with the mail
parser that it reads heads by, was a fifth of the imports of `vconsole status`.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from pathlib import Path

LONGEST_LINE_BYTES = 64 << 10
PIECE_BYTES = 64 << 10


class BrokenAnswerError(OSError):
    """The answer ended too early, or is no HTTP."""


class Exchange:
    """A connection for one request; `timeout_s` bounds each silence of the peer.

    Opening it, `send` and reading raise OSError.
    """

    def __init__(self, path: Path, timeout_s: float | None) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.status = 0
        self._fields: Mapping[str, str] = {}
        try:
            self.socket.settimeout(timeout_s)
            self.socket.connect(str(path))
        except OSError:
            self.socket.close()
            raise
        self._received = self.socket.makefile("rb")

    def send(self, method: str, path: str, payload: bytes | None = None) -> None:
        """Send it, with a `payload` of JSON; afterwards `status` is known and the body can be read.

        The connection is for one request only.
        """
        head = [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close"]
        if payload is not None:
            head.append("Content-Type: application/json")
        if payload is not None or method != "GET":
            head.append(f"Content-Length: {len(payload or b'')}")
        self.socket.sendall("\r\n".join([*head, "", ""]).encode("latin-1") + (payload or b""))
        self.status = self._read_status()
        self._fields = dict(self._read_fields())

    def read(self) -> bytes:
        """The whole body."""
        return b"".join(self._pieces())

    def lines(self) -> Iterator[bytes]:
        """The body's lines without their ends, each as soon as it was sent; a torn last one is not.

        Closing the connection from another thread ends them, with an error or without.
        """
        rest = b""
        for piece in self._pieces():
            *whole, rest = (rest + piece).split(b"\n")
            for line in whole:
                yield line.removesuffix(b"\r")

    def close(self) -> None:
        """What was not read is not wanted."""
        self._received.close()
        self.socket.close()

    def _pieces(self) -> Iterator[bytes]:
        """The body as it comes: in chunks, by its length, or until the connection ends."""
        length = self._fields.get("content-length")
        if "chunked" in self._fields.get("transfer-encoding", ""):
            while size := _number(self._line().partition(";")[0], 16):
                yield from self._counted(size)
                self._line()
        elif length is not None:
            yield from self._counted(_number(length, 10))
        else:
            while piece := self._received.read1(PIECE_BYTES):
                yield piece

    def _counted(self, left: int) -> Iterator[bytes]:
        while left > 0:
            piece = self._received.read1(min(left, PIECE_BYTES))
            if not piece:
                raise BrokenAnswerError("the answer ended too early")
            left -= len(piece)
            yield piece

    def _read_status(self) -> int:
        line = self._line()
        version, _, rest = line.partition(" ")
        if not version.startswith("HTTP/1."):
            raise BrokenAnswerError(f"this is no HTTP: {line[:80]!r}")
        return _number(rest[:3], 10)

    def _read_fields(self) -> Iterator[tuple[str, str]]:
        while line := self._line():
            name, _, value = line.partition(":")
            yield name.strip().lower(), value.strip().lower()

    def _line(self) -> str:
        line = self._received.readline(LONGEST_LINE_BYTES)
        if not line.endswith(b"\n"):
            raise BrokenAnswerError("the answer ended too early" if line else "no answer came")
        return line.decode("latin-1").rstrip("\r\n")


def _number(text: str, base: int) -> int:
    try:
        return int(text, base)
    except ValueError:
        raise BrokenAnswerError(f"this is no HTTP: {text[:80]!r}") from None
