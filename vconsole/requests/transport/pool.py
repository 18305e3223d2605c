"""The way to one server: many exchanges at once over connections that are kept alive."""

from __future__ import annotations

import asyncio
import ssl
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from vconsole.errors import ExitCode, VConsoleError
from vconsole.requests.transport.connection import Connection
from vconsole.requests.transport.faults import Fault, TransportError
from vconsole.requests.transport.reply import Response, TakeEvent

CONNECT_TIMEOUT_S = 5.0
SWEEP_S = 0.25
# uvicorn drops an idle connection after 5 s; leaving first avoids writing into a closed one.
KEEP_ALIVE_S = 3.0
PORTS = {"http": 80, "https": 443}


class Transport:
    """Exchanges with the server at `url` (a trailing `/v1` is dropped); no limit of its own.

    Every exchange raises a `TransportError` where it brought no answer; a status of 4xx or 5xx is
    an answer. Cancelling an exchange closes its connection, which aborts the request in vLLM.
    """

    def __init__(self, url: str, api_key: str | None = None) -> None:
        parts = urlsplit(url.rstrip("/").removesuffix("/v1"))
        if parts.scheme not in PORTS or not parts.hostname:
            raise VConsoleError(
                f"{url!r} is no address of a server",
                "it is of the form http://127.0.0.1:8000",
                ExitCode.USAGE,
            )
        self.url = parts.geturl()
        self._host, self._port = parts.hostname, parts.port or PORTS[parts.scheme]
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._prefix = parts.path
        key = f"authorization: Bearer {_one_line(api_key)}\r\n" if api_key else ""
        self._fields = (
            f" HTTP/1.1\r\nhost: {parts.netloc}\r\naccept-encoding: identity\r\n{key}"
        ).encode()
        self._idle: list[Connection] = []
        self._busy: set[Connection] = set()
        self._loop = asyncio.get_running_loop()
        self._sweep: asyncio.TimerHandle | None = self._loop.call_later(SWEEP_S, self._sweep_up)
        self._heads: dict[str, bytes] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection; what was under way fails as broken."""
        if self._sweep:
            self._sweep.cancel()
            self._sweep = None
        for connection in (*self._idle, *self._busy):
            connection.close()
        self._idle.clear()

    async def get(self, path: str, timeout_s: float) -> Response:
        head = f"GET {self._prefix}{path}".encode() + self._fields + b"\r\n"
        return await self._exchange(head, timeout_s, None)

    async def post(self, path: str, body: bytes, timeout_s: float) -> Response:
        """Send JSON; the answer in full, at most `timeout_s` after it was sent."""
        return await self._exchange(self._post_of(path, body), timeout_s, None)

    async def stream(self, path: str, body: bytes, silence_s: float, take: TakeEvent) -> Response:
        """Send JSON; `take` gets the data of each server-sent event as it arrives.

        `silence_s` bounds the wait for each piece. What is no stream comes back as the body.
        """
        return await self._exchange(self._post_of(path, body), silence_s, take)

    def _post_of(self, path: str, body: bytes) -> bytes:
        head = self._heads.get(path)
        if head is None:
            json = b"content-type: application/json\r\ncontent-length: "
            head = f"POST {self._prefix}{path}".encode() + self._fields + json
            self._heads[path] = head
        return b"%b%d\r\n\r\n%b" % (head, len(body), body)

    async def _exchange(self, payload: bytes, timeout_s: float, take: TakeEvent | None) -> Response:
        connection = self._from_idle() or await self._connect()
        self._busy.add(connection)
        try:
            return await connection.send(payload, timeout_s, take)
        except asyncio.CancelledError:
            connection.close()
            raise
        finally:
            self._busy.discard(connection)
            if connection.usable:
                connection.idle_since_s = self._loop.time()
                self._idle.append(connection)

    def _from_idle(self) -> Connection | None:
        """The connection that was used last, so that what is no longer needed grows old."""
        oldest_s = self._loop.time() - KEEP_ALIVE_S
        while self._idle:
            connection = self._idle.pop()
            if connection.usable and connection.idle_since_s > oldest_s:
                return connection
            connection.close()
        return None

    async def _connect(self) -> Connection:
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                _, connection = await self._loop.create_connection(
                    lambda: Connection(self._loop), self._host, self._port, ssl=self._tls
                )
        except (OSError, TimeoutError) as error:
            raise TransportError(
                Fault.UNREACHABLE, f"nobody answers at {self.url} ({error or 'no connection'})"
            ) from error
        return connection

    def _sweep_up(self) -> None:
        """End what is overdue, and connections that nobody has needed for a while."""
        now_s = self._loop.time()
        for connection in [c for c in self._busy if c.deadline_s < now_s]:
            connection.expire()
        oldest_s = now_s - KEEP_ALIVE_S
        for connection in [c for c in self._idle if c.idle_since_s < oldest_s or not c.usable]:
            connection.close()
            self._idle.remove(connection)
        self._sweep = self._loop.call_later(SWEEP_S, self._sweep_up)


def _one_line(api_key: str) -> str:
    if not api_key.isascii() or not api_key.isprintable():
        raise VConsoleError("an API key has only printable ASCII characters", kind="bad_key")
    return api_key
