"""What the console knows: the last snapshot and how the link to the supervisor stands."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from vconsole.engine.logline import LogLine
from vconsole.errors import VConsoleError
from vconsole.supervisor.model import Sample, ServerStatus, Status
from vconsole.tui.history import History
from vconsole.tui.logfile import read_tail
from vconsole.tui.view import Link, View

TAIL_LINES = 40


class Session:
    """Changed by the link's messages, read as a `View`."""

    def __init__(self, now: Callable[[], datetime], readonly: bool) -> None:
        self.now = now
        self.link = Link.CONNECTING
        self._readonly = readonly
        self._error: VConsoleError | None = None
        self._status: Status | None = None
        self._heard_at: datetime | None = None
        self._history = History()
        self._hostname = socket.gethostname()

    def connected(self, samples: tuple[Sample, ...]) -> None:
        self.link, self._error = Link.LIVE, None
        self._history.replace(samples)

    def follow(self, server: ServerStatus) -> None:
        """Turn to another server: what every snapshot says of it holds until its own comes."""
        if self._status is not None:
            self._status = replace(self._status, server=server, metrics=None, smoke=None)
        self._history.replace(())
        self.link = Link.CONNECTING

    def lost(self, error: VConsoleError) -> None:
        self.link, self._error = Link.LOST, error

    def heard(self, status: Status) -> None:
        self._status, self._heard_at = status, self.now()
        self._history.add(status, self._heard_at)

    def view(self) -> View:
        """The moment as screens and actions see it; cheap, and without the log's text."""
        return self._view(())

    def view_with_log(self) -> View:
        """The same with the last lines of the log, which are read from its file."""
        path = self._status.server.log_path if self._status else None
        return self._view(read_tail(Path(path), TAIL_LINES) if path else ())

    def _view(self, log_tail: tuple[LogLine, ...]) -> View:
        status = self._status
        return View(
            now=self.now(),
            link=self.link,
            status=status,
            heard_at=self._heard_at,
            link_error=self._error,
            history=self._history,
            log_tail=log_tail,
            readonly=self._readonly,
            hostname=(status.host.hostname if status else None) or self._hostname,
        )
