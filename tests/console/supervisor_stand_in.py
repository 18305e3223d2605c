"""A stand-in for the supervisor: the real `/v1` on a real Unix socket, with scripted answers.

The console under test reaches it through the real client; what it was asked is kept in `asked`.
"""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from vconsole import __version__
from vconsole.supervisor.jobs.model import JobStatus
from vconsole.supervisor.model import (
    AskEvent,
    Attached,
    ErrorBody,
    Operation,
    OperationState,
    RemovedModel,
    Sample,
    Status,
    SupervisorInfo,
)
from vconsole.supervisor.ollama.model import OllamaReport
from vconsole.supervisor.telling.cost import Cost
from vconsole.supervisor.telling.event import Event
from vconsole.supervisor.telling.report_model import Report

KEEP_ALIVE_S = 5.0


class SupervisorStandIn(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """`publish` sends a new snapshot to every watcher of its server.

    `status`, `history` (an hour) and `day` are of the first server, `others` of those that were
    published besides; a `refusal` is the answer to every verb and report. `away_since` is what a
    console is told that attaches.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(
        self,
        path: Path,
        status: Status,
        history: Iterable[Sample] = (),
        answer: Iterable[AskEvent] = (),
    ) -> None:
        self.status = status
        self.history = tuple(history)
        self.answer = tuple(answer)
        self.day: tuple[Sample, ...] = ()
        self.kept_events: tuple[Event, ...] = ()
        self.report = Report(datetime.now(UTC), datetime.now(UTC))
        self.reports_asked: list[str] = []
        self.away_since: datetime | None = None
        self.refusal: ErrorBody | None = None
        self.ollama = OllamaReport(running=False)
        self.jobs: tuple[JobStatus, ...] = ()
        self.job_cost = Cost(None, "", "prices.kwh is not set")
        self.asked: list[tuple[str, Any]] = []
        self.asked_of: list[str] = []
        self.others: dict[str, Status] = {}
        self.hold_answer = threading.Event()
        self.hold_answer.set()
        self.over = threading.Event()
        self.changed = threading.Condition()
        super().__init__(str(path), _Handler)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def publish(self, status: Status) -> None:
        with self.changed:
            if status.server.name == self.status.server.name:
                self.status = status
            else:
                self.others[status.server.name] = status
            self.changed.notify_all()

    def tell(self, *events: Event) -> None:
        """Have more events kept."""
        with self.changed:
            self.kept_events += events
            self.changed.notify_all()

    def of(self, name: str) -> Status:
        """The page seen from that server."""
        return self.others.get(name, self.status)

    def end(self) -> None:
        """Leave as a killed supervisor does: streams break off, the socket is gone."""
        if self.over.is_set():
            return
        self.over.set()
        with self.changed:
            self.changed.notify_all()
        self.shutdown()
        self._thread.join()
        self.server_close()
        Path(str(self.server_address)).unlink(missing_ok=True)


class _Handler(BaseHTTPRequestHandler):
    server: SupervisorStandIn

    def address_string(self) -> str:
        return "unix"

    def log_message(self, format: str, *args: Any) -> None:
        """Tests read `asked` instead."""

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/v1/events":
            self._events()
        elif path.endswith("/history"):
            known = path.split("/")[-2] not in self.server.others
            day = float(self._asked("seconds", "0")) > 3600
            samples = self.server.day if day else self.server.history
            self._answer(samples if known else ())
        elif path == "/v1/events/log":
            self._event_log()
        elif path == "/v1/report":
            self.server.reports_asked.append(self._asked("since", ""))
            refused = self.server.refusal
            self._answer(
                {"error": refused} if refused else self.server.report, 409 if refused else 200
            )
        elif path == "/v1/jobs":
            self._answer(self.server.jobs)
        elif path.startswith("/v1/jobs/"):
            self._answer(self.server.job_cost)
        elif path.startswith("/v1/servers/"):
            self._answer(self.server.of(path.split("/")[3]).server)
        elif path == "/v1/supervisor":
            self._answer(SupervisorInfo(pid=1, version=__version__, alive=True))
        else:
            self._answer(self.server.of(self._name()))

    def _asked(self, name: str, default: str) -> str:
        return parse_qs(urlsplit(self.path).query).get(name, [default])[0]

    def _name(self) -> str:
        return self._asked("name", "main")

    def _event_log(self) -> None:
        after, wait_s = int(self._asked("after_id", "-1")), float(self._asked("wait_s", "0"))

        def found() -> tuple[Event, ...]:
            return tuple(event for event in self.server.kept_events if event.id > after)

        with self.server.changed:
            self.server.changed.wait_for(lambda: found() or self.server.over.is_set(), wait_s)
        self._answer(found())

    def do_POST(self) -> None:
        _, name, verb = urlsplit(self.path).path.rsplit("/", 2)
        length = int(self.headers.get("Content-Length") or 0)
        body = msgspec.json.decode(self.rfile.read(length)) if length else None
        self.server.asked.append((verb, body))
        self.server.asked_of.append(name)
        if self.server.refusal is not None:
            self._answer({"error": self.server.refusal}, 409)
        elif verb == "ask":
            self._ask()
        elif verb == "jobs" or "/jobs/" in self.path:
            found = [job for job in self.server.jobs if job.id == name]
            self._answer((found or list(self.server.jobs))[0], 202)
        elif name == "ollama":
            self._answer(self.server.ollama)
        elif verb == "remove" and body is not None:
            self._answer(RemovedModel(body["name"], "/hub/it", 5_570_747_392, not body["dry_run"]))
        else:
            self._answer(
                Operation(
                    id=f"op-{len(self.server.asked)}",
                    kind=verb,
                    server=name,
                    state=OperationState.RUNNING,
                    started_at=datetime.now(UTC),
                )
            )

    def _answer(self, content: Any, code: int = 200) -> None:
        payload = msgspec.json.encode(content)
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def _begin_stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()

    def _send(self, event: str, content: Any) -> None:
        data = msgspec.json.encode(content)
        self.wfile.write(b"event: " + event.encode() + b"\ndata: " + data + b"\n\n")

    def _events(self) -> None:
        self._begin_stream()
        if self._asked("face", "") == "console":
            self._send("attached", Attached(self.server.away_since))
        sent: Status | None = None
        name = self._name()
        try:
            while not self.server.over.is_set():
                with self.server.changed:
                    current = self.server.of(name)
                    if current is sent:
                        self.server.changed.wait(KEEP_ALIVE_S)
                        current = self.server.of(name)
                if current is not sent:
                    self._send("status", current)
                    sent = current
                else:
                    self.wfile.write(b": still here\n\n")
        except OSError:
            return

    def _ask(self) -> None:
        self._begin_stream()
        try:
            for index, event in enumerate(self.server.answer):
                if index:
                    self.server.hold_answer.wait(10)
                self._send("message", event)
        except OSError:
            return
