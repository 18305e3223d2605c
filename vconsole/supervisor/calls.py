"""One call or one stream over the supervisor's Unix socket, decoded into what was asked for.

Synchronous on purpose: imports are most of what a command costs, and this needs few. The console
calls it from threads.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from vconsole.errors import ErrorBody, ExitCode, VConsoleError
from vconsole.supervisor.socket_http import Exchange

T = TypeVar("T")


class SupervisorUnreachableError(VConsoleError):
    """Nobody answers on the socket."""


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """One event of a stream: its kind, and its data as it came."""

    event: str
    data: bytes


class HangUp:
    """Lets another thread end a stream, also one that waits for its next event."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self.over = False

    def __call__(self) -> None:
        with self._lock:
            self.over = True
            if self._socket is not None:
                _shut(self._socket)

    def take(self, opened: socket.socket | None) -> None:
        """The connection to end; at once where the call came before it."""
        with self._lock:
            self._socket = opened
            if self.over and opened is not None:
                _shut(opened)


class SocketCalls:
    """One supervisor, by its socket. Every method raises `VConsoleError` as the server meant it.

    `timeout_s` bounds each ordinary call and each silence of a stream (the supervisor sends a
    comment every few seconds, so a longer silence means that it is gone).
    """

    def __init__(self, socket_path: Path, timeout_s: float = 20.0) -> None:
        self.socket_path = socket_path
        self._timeout_s = timeout_s

    def _call(self, method: str, path: str, wanted: type[T], body: Any = None) -> T:
        exchange = self._request(method, path, body)
        try:
            payload = exchange.read()
        except OSError as error:
            raise self._unreachable(error) from error
        finally:
            exchange.close()
        return self._decode(payload, wanted)

    def _stream(
        self, method: str, path: str, body: Any = None, hang_up: HangUp | None = None
    ) -> Iterator[ServerSentEvent]:
        """The events; after a `hang_up` there are no more, and no error."""
        hang_up = hang_up or HangUp()
        try:
            exchange = self._request(method, path, body, hang_up)
        except SupervisorUnreachableError:
            if hang_up.over:
                return
            raise
        try:
            yield from _server_sent_events(exchange.lines())
        except OSError as error:
            if not hang_up.over:
                raise self._unreachable(error) from error
        finally:
            hang_up.take(None)
            exchange.close()

    def _request(
        self, method: str, path: str, body: Any, hang_up: HangUp | None = None
    ) -> Exchange:
        payload = None if body is None else msgspec.json.encode(body)
        exchange = self._open()
        try:
            if hang_up is not None:
                hang_up.take(exchange.socket)
            exchange.send(method, path, payload)
            if exchange.status >= 400:
                raise _refusal(exchange.status, exchange.read())
        except OSError as error:
            exchange.close()
            raise self._unreachable(error) from error
        except VConsoleError:
            exchange.close()
            raise
        return exchange

    def _open(self) -> Exchange:
        try:
            return Exchange(self.socket_path, self._timeout_s)
        except OSError as error:
            raise self._unreachable(error) from error

    def _decode(self, payload: bytes, wanted: type[T]) -> T:
        try:
            return msgspec.json.decode(payload, type=wanted)
        except msgspec.DecodeError as error:
            raise VConsoleError(
                f"the supervisor's answer makes no sense to this version: {error}",
                "end it with `vconsole supervisor stop` (servers keep running) and try again",
            ) from error

    def _unreachable(self, error: Exception) -> SupervisorUnreachableError:
        return SupervisorUnreachableError(
            f"no supervisor answers on {self.socket_path} ({error})",
            "`vconsole supervisor run` starts it in the foreground and shows why it does not stay",
            ExitCode.NO_SERVER,
            kind="no_supervisor",
        )


def _shut(opened: socket.socket) -> None:
    with contextlib.suppress(OSError):
        opened.shutdown(socket.SHUT_RDWR)


def _refusal(status: int, payload: bytes) -> VConsoleError:
    try:
        body = msgspec.json.decode(payload, type=dict[str, ErrorBody])["error"]
    except (msgspec.DecodeError, KeyError):
        return VConsoleError(f"the supervisor answered HTTP {status}: {payload[:200]!r}")
    return VConsoleError(body.message, body.remedy, ExitCode(body.exit_code), body.kind)


def _server_sent_events(lines: Iterable[bytes]) -> Iterator[ServerSentEvent]:
    """Parse a stream of server-sent events (WHATWG HTML, section 9.2); comments are skipped."""
    event, data = "message", b""
    for line in lines:
        if not line and data:
            yield ServerSentEvent(event, data)
            event, data = "message", b""
        elif line.startswith(b"event:"):
            event = line[6:].strip().decode()
        elif line.startswith(b"data:"):
            data += line[5:].strip()
