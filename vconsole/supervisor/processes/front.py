"""Who answers on a server's port while one server leaves and another one comes.

Requests get a 503 that says what goes on and when to come back, or are held and passed on to the
server once it is there. Questions of how it is (any GET) are answered at once, never held.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass

from vconsole.supervisor.processes import process

LARGEST_HEAD_BYTES = 64 << 10
HEAD_PATIENCE_S = 10.0
LINGER_S = 2.0
MOST_HELD = 512
RETRY_S = 0.02
CHUNK_BYTES = 64 << 10
DEFAULT_RETRY_AFTER_S = 30
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Notice:
    """What is said to whoever asks meanwhile; `eta_s` is None where nothing is known of it."""

    message: str
    old: str
    new: str
    step: str
    eta_s: float | None


class Front:
    """The stand-in on one port; `holds` keeps requests until `release`, else they are refused."""

    def __init__(self, host: str, port: int, notice: Callable[[], Notice], holds: bool) -> None:
        self._host = host
        self._port = port
        self._notice = notice
        self._holds = holds
        self._listener: asyncio.Server | None = None
        self._released = asyncio.Event()
        self._serving = False
        self._held = 0

    @property
    def listens(self) -> bool:
        return self._listener is not None

    @property
    def held(self) -> int:
        """How many requests wait for the new server."""
        return self._held

    async def take_port(self) -> None:
        """Listen on the port as soon as whoever has it lets go of it."""
        while not self.listens:
            try:
                bound = process.bind(self._host, self._port)
            except OSError:
                await asyncio.sleep(RETRY_S)
                continue
            await self.listen_on(bound)

    async def listen_on(self, bound: socket.socket) -> None:
        """Answer on a socket that is bound already, a duplicate of a server's own for one."""
        try:
            self._listener = await asyncio.start_server(
                self._visit, sock=bound, limit=LARGEST_HEAD_BYTES
            )
        except OSError as error:
            bound.close()
            log.info("nobody answers on port %d meanwhile: %s", self._port, error)

    def give_way(self) -> None:
        """Listen no more; those who are held stay."""
        if self._listener:
            self._listener.close()
            self._listener = None

    def release(self, serving: bool) -> None:
        """The end: pass on who is held to the server that serves now, or refuse them."""
        self.give_way()
        self._serving = serving
        self._released.set()

    async def _visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(HEAD_PATIENCE_S):
                head = await reader.readuntil(b"\r\n\r\n")
            if self._holds and not head.startswith((b"GET ", b"HEAD ")) and self._held < MOST_HELD:
                await self._hold(head, reader, writer)
            else:
                await self._refuse(reader, writer)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            # A client that left, or spoke no HTTP: nobody is there to be told.
            return
        finally:
            writer.close()

    async def _hold(
        self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._held += 1
        try:
            await self._released.wait()
        finally:
            self._held -= 1
        if not self._serving:
            await self._refuse(reader, writer)
            return
        onward_reader, onward_writer = await asyncio.open_connection(self._host, self._port)
        try:
            onward_writer.write(head)
            asking = asyncio.create_task(_pass_on(reader, onward_writer))
            try:
                await _pass_on(onward_reader, writer)
            finally:
                asking.cancel()
                with contextlib.suppress(asyncio.CancelledError, OSError):
                    await asking
        finally:
            onward_writer.close()

    async def _refuse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer, and take in what the client still sends: closed at once, it would see a reset."""
        writer.write(refusal(self._notice()))
        writer.write_eof()
        async with asyncio.timeout(LINGER_S):
            while await reader.read(CHUNK_BYTES):
                pass


def refusal(notice: Notice) -> bytes:
    """The whole answer, its body in the form of vLLM's own errors with `swap` beside it."""
    retry_after_s = DEFAULT_RETRY_AFTER_S if notice.eta_s is None else max(1, round(notice.eta_s))
    error = {"message": notice.message, "type": "ServiceUnavailable", "param": None, "code": 503}
    swap = {"from": notice.old, "to": notice.new, "step": notice.step, "eta_s": notice.eta_s}
    body = json.dumps({"error": error, "swap": swap}).encode()
    head = (
        "HTTP/1.1 503 Service Unavailable\r\n"
        "Content-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n"
        f"Retry-After: {retry_after_s}\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode() + body


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(CHUNK_BYTES):
        writer.write(chunk)
        await writer.drain()
