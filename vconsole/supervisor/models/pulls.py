"""Pulls of models from the Hub: each a process of its own, which outlives the supervisor.

A pull has a folder with its record, its log and the file in which it says how far it is. A
supervisor that starts later reads them and goes on telling.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from vconsole import paths
from vconsole.errors import ErrorBody, ExitCode, VConsoleError
from vconsole.models.hub.progress import PullProgress, read_progress
from vconsole.supervisor.model import Operation, OperationState, PullRequest
from vconsole.supervisor.models.pull_record import PullRecord, pulls_dir, recorded, save
from vconsole.supervisor.processes import process, tree
from vconsole.supervisor.telling.event import EventKind, Severity
from vconsole.supervisor.telling.event_log import EventLog

FETCH = "vconsole.models.hub.fetch"
TOLD_FOR_S = 600.0
AFTER_TERM_S = 5.0
POLL_S = 0.5
log = logging.getLogger(__name__)


@dataclass
class _Pull:
    record: PullRecord
    operation: Operation
    child: subprocess.Popen[bytes] | None = None
    ended_s: float | None = None
    seen: list[tuple[float, int]] = field(default_factory=list)


class Pulls:
    """Every pull that runs, and those that ended a while ago."""

    def __init__(self, events: EventLog, changed: Callable[[], None]) -> None:
        self._events = events
        self._changed = changed
        self._pulls: dict[str, _Pull] = {}

    @property
    def operations(self) -> tuple[Operation, ...]:
        return tuple(pull.operation for pull in self._pulls.values())

    @property
    def running(self) -> bool:
        return any(pull.ended_s is None for pull in self._pulls.values())

    def adopt(self) -> None:
        """Go on with the pulls of earlier supervisors."""
        for record in recorded():
            self._pulls[record.id] = _Pull(record, _operation(record))
        self.beat()

    def start(self, request: PullRequest) -> Operation:
        """Begin a pull, or join the one of this repository that is under way."""
        self.beat()
        for pull in self._pulls.values():
            if pull.ended_s is None and pull.record.repository == request.repository:
                return pull.operation
        number = secrets.token_hex(4)
        folder = pulls_dir() / number
        paths.private_folder(folder)
        command = (sys.executable, "-m", FETCH, request.repository, str(folder / "status.json"))
        environment = {**os.environ, **request.env, "HF_HUB_DISABLE_TELEMETRY": "1"}
        child = process.spawn(command, environment, folder / "pull.log", folder)
        leader = tree.identify(child.pid)
        if leader is None:
            raise VConsoleError("the pull ended at once", f"see {folder / 'pull.log'}")
        record = PullRecord(number, request.repository, leader, datetime.now(UTC))
        pull = self._pulls[number] = _Pull(record, _operation(record), child)
        save(record)
        self._tell(pull, f"pull of {request.repository} began", Severity.INFO)
        return pull.operation

    async def to_the_end(self, repository: str, environment: Mapping[str, str]) -> None:
        """Pull and wait until it is here; raises what it failed with."""
        wanted = {name: value for name, value in environment.items() if name.startswith("HF_")}
        number = self.start(PullRequest(repository, wanted)).id
        while (pull := self._pulls[number]).ended_s is None:
            await asyncio.sleep(POLL_S)
            self.beat()
        if error := pull.operation.error:
            raise VConsoleError(error.message, error.remedy, ExitCode(error.exit_code), error.kind)

    def cancel(self, number: str) -> Operation:
        """End a pull; what has arrived stays, and a later pull goes on from there."""
        pull = self._pulls.get(number)
        if pull is None or pull.ended_s is not None:
            raise VConsoleError(
                f"no pull {number} is under way",
                "`vconsole models pulls` shows those that are",
                ExitCode.FAILED,
                "not_found",
            )
        pull.record = replace(pull.record, cancelled=True)
        save(pull.record)
        tree.send(pull.record.leader, signal.SIGTERM)
        return pull.operation

    def beat(self) -> None:
        """Read how far each is, and notice which have ended."""
        for pull in list(self._pulls.values()):
            if pull.ended_s is None:
                self._look(pull)
            elif time.monotonic() - pull.ended_s > TOLD_FOR_S:
                del self._pulls[pull.record.id]

    def _look(self, pull: _Pull) -> None:
        # The file is read after the process is known to be gone, so that its last word is heard.
        if pull.child is not None:
            pull.child.poll()
        alive = tree.is_alive(pull.record.leader)
        told = read_progress(pulls_dir() / pull.record.id / "status.json") or PullProgress(
            "running"
        )
        before = pull.operation
        pull.operation = replace(
            before,
            done_bytes=told.done_bytes if told.done_bytes is not None else before.done_bytes,
            total_bytes=told.total_bytes or before.total_bytes,
            bytes_per_s=_rate(pull, told.done_bytes) if alive else None,
        )
        if not alive:
            self._end(pull, told)
        if pull.operation != before:
            self._changed()

    def _end(self, pull: _Pull, told: PullProgress) -> None:
        error = None if told.state == "done" else _why(pull.record, told)
        now = datetime.now(UTC)
        pull.ended_s = time.monotonic()
        pull.operation = replace(
            pull.operation,
            state=OperationState.FAILED if error else OperationState.DONE,
            ended_at=now,
            seconds=(now - pull.record.started_at).total_seconds(),
            error=error,
        )
        said = f"did not finish: {error.message}" if error else "finished"
        severity = Severity.WARNING if error else Severity.INFO
        self._tell(pull, f"pull of {pull.record.repository} {said}", severity)
        shutil.rmtree(pulls_dir() / pull.record.id, ignore_errors=True)

    def _tell(self, pull: _Pull, text: str, severity: Severity) -> None:
        facts = {"repository": pull.record.repository, "id": pull.record.id}
        self._events.add(EventKind.PULL, text, facts, severity)


def _why(record: PullRecord, told: PullProgress) -> ErrorBody:
    if record.cancelled:
        return ErrorBody(
            "cancelled",
            f"the pull of {record.repository} was cancelled",
            "what has arrived is kept; pull again to continue",
        )
    return told.error or ErrorBody(
        "failed",
        f"the pull of {record.repository} was ended from outside",
        "pull again; it continues where it stopped",
    )


def _rate(pull: _Pull, done_bytes: int | None) -> float | None:
    """Bytes per second over the last ten seconds or so."""
    if done_bytes is None:
        return None
    now_s = time.monotonic()
    pull.seen.append((now_s, done_bytes))
    pull.seen = [one for one in pull.seen if now_s - one[0] <= 10.0]
    begun_s, begun_bytes = pull.seen[0]
    return (done_bytes - begun_bytes) / (now_s - begun_s) if now_s - begun_s > 0.5 else None


def _operation(record: PullRecord) -> Operation:
    return Operation(
        id=record.id,
        kind="pull",
        server="",
        state=OperationState.RUNNING,
        started_at=record.started_at,
        subject=record.repository,
    )
