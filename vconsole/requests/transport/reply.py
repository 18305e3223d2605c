"""One answer of HTTP/1.1 read piece by piece from a connection (RFC 9112, sections 4 to 8).

Made for speed and for peers that lie: sizes are bounded, and whatever is not HTTP is said so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vconsole.requests.transport.faults import Fault, TransportError

LONGEST_HEAD_BYTES = 64 << 10
LARGEST_BODY_BYTES = 256 << 20
LONGEST_SIZE_LINE_BYTES = 256
LARGEST_EVENT_BYTES = 16 << 20

TakeEvent = Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class Response:
    """An answer in full; `retry_after_s` is what a refusal said about trying again."""

    status: int
    body: bytes
    retry_after_s: float | None = None


class ReplyReader:
    """Feed it bytes until it returns the answer.

    With `take` the data of each server-sent event goes there as it arrives, and the body is empty.
    """

    __slots__ = (
        "_chunked",
        "_events",
        "_head",
        "_left",
        "_pieces",
        "_retry_after_s",
        "_size",
        "_status",
        "_take",
        "_until_close",
        "begun",
        "closes",
    )

    def __init__(self, take: TakeEvent | None = None) -> None:
        self.begun = False
        self.closes = False
        self._take = take
        self._head: bytes | None = b""
        self._status = 0
        self._retry_after_s: float | None = None
        self._pieces: list[bytes] = []
        self._size = 0
        self._left = 0
        self._chunked: bytes | None = None
        self._until_close = False
        self._events: bytes | None = None

    def feed(self, data: bytes) -> Response | None:
        """Take what arrived; the answer once it is whole. Raises `TransportError` for nonsense."""
        self.begun = True
        if self._head is not None:
            rest = self._feed_head(data)
            if rest is None:
                return None
            data = rest
        if self._chunked is not None:
            return self._feed_chunks(data)
        self._keep(data)
        if self._until_close or self._size < self._left:
            return None
        if self._size > self._left:
            raise nonsense("more came than was announced")
        return self._done()

    def end(self) -> Response | None:
        """The connection has ended: the answer where only that could end it."""
        return self._done() if self._until_close and self._head is None else None

    def _feed_head(self, data: bytes) -> bytes | None:
        head = self._head + data if self._head else data
        end = head.find(b"\r\n\r\n")
        if end < 0:
            if len(head) > LONGEST_HEAD_BYTES or b"HTTP/1."[: len(head)] != head[:7]:
                raise nonsense("what came does not begin as an answer of HTTP")
            self._head = head
            return None
        rest = head[end + 4 :]
        self._read_head(head[: end + 2])
        if 100 <= self._status < 200:
            self._head = b""
            return self._feed_head(rest) if rest else None
        self._head = None
        return rest

    def _read_head(self, head: bytes) -> None:
        if head[:7] != b"HTTP/1." or not head[9:12].isdigit():
            raise nonsense("what came does not begin as an answer of HTTP")
        self._status = int(head[9:12])
        low = head.lower()
        self.closes = b"\r\nconnection: close" in low or head[7:8] == b"0"
        if self._status in {429, 503}:
            self._retry_after_s = _seconds(_field(low, b"retry-after"))
        if self._take and self._status == 200 and b"text/event-stream" in low:
            self._events = b""
        if b"\r\ntransfer-encoding:" in low:
            if (_field(low, b"transfer-encoding") or b"").strip() != b"chunked":
                raise nonsense("an encoding that was not asked for")
            self._chunked = b""
            return
        size = _field(low, b"content-length")
        if size is not None:
            if not size.isdigit() or len(size) > 12 or int(size) > LARGEST_BODY_BYTES:
                raise nonsense("a length that is none, or more than is taken")
            self._left = int(size)
        elif self._status >= 200 and self._status not in {204, 304}:
            self._until_close = self.closes = True

    def _feed_chunks(self, data: bytes) -> Response | None:
        """Chunks may be cut anywhere; what is left of an unfinished line waits for more."""
        if self._chunked:
            data, self._chunked = self._chunked + data, b""
        at, size, parts = 0, len(data), []
        while at < size:
            if self._left:
                # The chunk's data and the line end behind it.
                piece = data[at : at + self._left]
                at += len(piece)
                self._left -= len(piece)
                parts.append(piece if self._left >= 2 else piece[: len(piece) - 2 + self._left])
                continue
            end = data.find(b"\r\n", at)
            if end < 0:
                if size - at > LONGEST_SIZE_LINE_BYTES:
                    raise nonsense("a chunk without a size")
                self._chunked = data[at:]
                break
            try:
                announced = int(data[at:end].partition(b";")[0], 16)
            except ValueError:
                raise nonsense("a chunk without a size") from None
            if announced == 0:
                return self._feed_end(data, at, end, parts)
            if not 0 < announced <= LARGEST_BODY_BYTES:
                raise nonsense("a chunk of a size that is not taken")
            self._left = announced + 2
            at = end + 2
        self._keep_all(parts)
        return None

    def _feed_end(self, data: bytes, at: int, end: int, parts: list[bytes]) -> Response | None:
        """The last chunk: its trailers end with an empty line, which may be still to come."""
        over = data.find(b"\r\n\r\n", end)
        self._keep_all(parts)
        if over < 0:
            self._chunked = data[at:]
            if len(self._chunked) > LONGEST_HEAD_BYTES:
                raise nonsense("trailers without an end")
            return None
        if over + 4 != len(data):
            raise nonsense("more came than was announced")
        return self._done()

    def _keep_all(self, parts: list[bytes]) -> None:
        if parts:
            self._keep(parts[0] if len(parts) == 1 else b"".join(parts))

    def _keep(self, data: bytes) -> None:
        if self._events is not None:
            self._tell_events(data)
            return
        self._size += len(data)
        if self._size > LARGEST_BODY_BYTES:
            raise nonsense("an answer larger than is taken")
        self._pieces.append(data)

    def _tell_events(self, data: bytes) -> None:
        """Server-sent events, of their `data` alone (WHATWG HTML, section 9.2)."""
        assert self._take is not None
        data = (self._events or b"") + data
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n")
        *events, self._events = data.split(b"\n\n")
        if len(self._events) > LARGEST_EVENT_BYTES:
            raise nonsense("an event larger than is taken")
        for event in events:
            if event.startswith(b"data: "):
                self._take(event[6:])
            elif event.startswith(b"data:"):
                self._take(event[5:])

    def _done(self) -> Response:
        pieces = self._pieces
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        return Response(self._status, body, self._retry_after_s)


def nonsense(what: str) -> TransportError:
    return TransportError(Fault.NONSENSE, f"the server's answer makes no sense: {what}")


def _field(low: bytes, name: bytes) -> bytes | None:
    at = low.find(b"\r\n" + name + b":")
    if at < 0:
        return None
    at += len(name) + 3
    return low[at : low.index(b"\r\n", at)].strip()


def _seconds(value: bytes | None) -> float | None:
    return float(value) if value and value.isdigit() and len(value) < 6 else None
