"""The faces' way to the supervisor: HTTP over its Unix socket, answers as typed dataclasses.

Synchronous on purpose: the standard library's client imports in a fraction of httpx's time, which
is most of what a command costs. The console calls it from threads.
"""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec

from vconsole.errors import ExitCode, VConsoleError
from vconsole.supervisor.model import (
    AdoptRequest,
    AskEvent,
    AskRequest,
    ErrorBody,
    ForeignServer,
    Operation,
    Sample,
    ServerStatus,
    StartRequest,
    Status,
    SupervisorInfo,
)
from vconsole.supervisor.telling.event import Event, EventQuery
from vconsole.supervisor.telling.report_model import Report

T = TypeVar("T")


class SupervisorUnreachableError(VConsoleError):
    """Nobody answers on the socket."""


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout_s: float | None) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    event: str
    data: bytes


class SupervisorClient:
    """One supervisor, by its socket. Every method raises `VConsoleError` as the server meant it.

    `timeout_s` bounds each ordinary call and each silence of a stream (the supervisor sends a
    comment every few seconds, so a longer silence means that it is gone).
    """

    def __init__(self, socket_path: Path, timeout_s: float = 20.0) -> None:
        self.socket_path = socket_path
        self._timeout_s = timeout_s

    def info(self) -> SupervisorInfo:
        return self._call("GET", "/v1/supervisor", SupervisorInfo)

    def status(self, name: str = "main") -> Status:
        return self._call("GET", f"/v1/status?{urlencode({'name': name})}", Status)

    def start(self, name: str, request: StartRequest) -> Operation:
        return self._call("POST", f"/v1/servers/{name}/start", Operation, request)

    def stop(self, name: str, drain_s: float | None = None) -> Operation:
        return self._call("POST", f"/v1/servers/{name}/stop", Operation, {"drain_s": drain_s})

    def restart(self, name: str) -> Operation:
        return self._call("POST", f"/v1/servers/{name}/restart", Operation)

    def smoke(self, name: str) -> Operation:
        """Start the smoke test; its report arrives in `Status.smoke`."""
        return self._call("POST", f"/v1/servers/{name}/smoke", Operation)

    def server(self, name: str) -> ServerStatus:
        return self._call("GET", f"/v1/servers/{name}", ServerStatus)

    def foreign(self, pid: int) -> ForeignServer:
        """A vLLM that may be adopted, looked at now; refused with the reason where it may not."""
        return self._call("GET", f"/v1/foreign/{pid}", ForeignServer)

    def adopt(self, name: str, request: AdoptRequest) -> ServerStatus:
        """Take over a foreign server under a name that is free."""
        return self._call("POST", f"/v1/servers/{name}/adopt", ServerStatus, request)

    def history(self, name: str, seconds: float, points: int | None = None) -> tuple[Sample, ...]:
        """The samples of the last `seconds` (a week at most), oldest first.

        The last hour has one a second, what is older one a minute; `points` is how many at most,
        each then standing for an equal span. Where nothing was sampled there is none.
        """
        asked = {"seconds": seconds} | ({} if points is None else {"points": points})
        query = urlencode(asked)
        return self._call("GET", f"/v1/servers/{name}/history?{query}", tuple[Sample, ...])

    def events(self, query: EventQuery, wait_s: float = 0.0) -> tuple[Event, ...]:
        """Events, oldest first; waits up to `wait_s` (10 at most) for one where there is none."""
        asked: dict[str, Any] = {"kind": query.kinds, "limit": query.limit, "wait_s": wait_s}
        asked |= {"since": query.since.isoformat()} if query.since else {}
        asked |= {"server": query.server} if query.server is not None else {}
        asked |= {"after_id": query.after_id} if query.after_id is not None else {}
        return self._call("GET", f"/v1/events/log?{urlencode(asked, True)}", tuple[Event, ...])

    def report(self, since: datetime, server: str | None = None) -> Report:
        """What happened since then, of one server or of all."""
        asked = {"since": since.isoformat()} | ({"server": server} if server else {})
        return self._call("GET", f"/v1/report?{urlencode(asked)}", Report)

    def shut_down(self, servers: str = "keep") -> SupervisorInfo:
        """End the supervisor; `servers` is `keep` or `stop`."""
        return self._call("POST", "/v1/supervisor/stop", SupervisorInfo, {"servers": servers})

    def watch(self, name: str = "main") -> Iterator[Status]:
        """Whole snapshots, at once and then whenever something changed (at most ten a second).

        A reader that falls behind misses intermediate snapshots, never the latest.
        """
        for event in self._stream("GET", f"/v1/events?{urlencode({'name': name})}"):
            if event.event == "status":
                yield msgspec.json.decode(event.data, type=Status)

    def ask(self, name: str, request: AskRequest) -> Iterator[AskEvent]:
        """Send one request to the model; closing the iterator aborts it in the server."""
        for event in self._stream("POST", f"/v1/servers/{name}/ask", request):
            yield msgspec.json.decode(event.data, type=AskEvent)

    def _call(self, method: str, path: str, wanted: type[T], body: Any = None) -> T:
        connection, response = self._request(method, path, body)
        try:
            payload = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(error) from error
        finally:
            connection.close()
        return self._decode(payload, wanted)

    def _stream(self, method: str, path: str, body: Any = None) -> Iterator[ServerSentEvent]:
        connection, response = self._request(method, path, body)
        try:
            yield from _server_sent_events(response)
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(error) from error
        finally:
            connection.close()

    def _request(
        self, method: str, path: str, body: Any
    ) -> tuple[_UnixConnection, http.client.HTTPResponse]:
        connection = _UnixConnection(self.socket_path, self._timeout_s)
        headers = {"Content-Type": "application/json"} if body is not None else {}
        payload = None if body is None else msgspec.json.encode(body)
        try:
            connection.request(method, path, payload, headers)
            response = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise self._unreachable(error) from error
        if response.status >= 400:
            try:
                raise _refusal(response.status, response.read())
            finally:
                connection.close()
        return connection, response

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


def _refusal(status: int, payload: bytes) -> VConsoleError:
    try:
        body = msgspec.json.decode(payload, type=dict[str, ErrorBody])["error"]
    except (msgspec.DecodeError, KeyError):
        return VConsoleError(f"the supervisor answered HTTP {status}: {payload[:200]!r}")
    return VConsoleError(body.message, body.remedy, ExitCode(body.exit_code), body.kind)


def _server_sent_events(response: http.client.HTTPResponse) -> Iterator[ServerSentEvent]:
    """Parse a stream of server-sent events (WHATWG HTML, section 9.2); comments are skipped."""
    event, data = "message", b""
    while line := response.readline():
        line = line.rstrip(b"\r\n")
        if not line and data:
            yield ServerSentEvent(event, data)
            event, data = "message", b""
        elif line.startswith(b"event:"):
            event = line[6:].strip().decode()
        elif line.startswith(b"data:"):
            data += line[5:].strip()
