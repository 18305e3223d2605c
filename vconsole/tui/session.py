"""What the console knows: the last snapshot and how the link to the supervisor stands."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from vconsole.engine.log.logline import LogLine
from vconsole.errors import VConsoleError
from vconsole.host.membership import is_outside
from vconsole.settings import Table
from vconsole.supervisor.model import Sample, ServerState, ServerStatus, Status
from vconsole.tui.history import History
from vconsole.tui.logs.tail import read_tail, stamp_of
from vconsole.tui.view import WINDOWS_S, Link, View

TAIL_LINES = 40
# How often time alone is worth drawing: graphs move slowly, ages and phases do not.
GRAPHS_MOVE_S = 10.0
AGES_MOVE_S = 1.0
QUIET = frozenset({ServerState.READY, ServerState.STOPPED, ServerState.FAILED})


class Session:
    """Changed by the link's messages, read as a `View`."""

    def __init__(
        self,
        now: Callable[[], datetime],
        readonly: bool,
        keymap: Table | None = None,
        alone: bool = False,
    ) -> None:
        self._alone = alone
        self.now = now
        self._keymap = keymap or {}
        self.link = Link.CONNECTING
        self._readonly = readonly
        self._error: VConsoleError | None = None
        self._status: Status | None = None
        self._heard_at: datetime | None = None
        self._history = History()
        self._tail: tuple[LogLine, ...] = ()
        self._tail_stamp: tuple[object, ...] = ()
        self.window_s = WINDOWS_S[1]
        self._frozen: View | None = None
        self._shown: View | None = None
        self._shown_at: tuple[object, ...] = ()
        self._hostname = socket.gethostname()

    def connected(self, samples: tuple[Sample, ...]) -> None:
        self.link, self._error = Link.LIVE, None
        self._history.replace(samples)

    def follow(self, server: ServerStatus) -> None:
        """Turn to another server: what every snapshot says of it holds until its own comes."""
        self._frozen = None
        if self._status is not None:
            self._status = replace(self._status, server=server, metrics=None, smoke=None)
        self._history.replace(())
        self._history.replace_day(())
        self.link = Link.CONNECTING

    def remembered(self, day: tuple[Sample, ...]) -> None:
        """The samples of the last day, by the minute."""
        self._history.replace_day(day)
        if self._frozen is not None:
            self._frozen = replace(self._frozen)

    def lost(self, error: VConsoleError) -> None:
        self.link, self._error = Link.LOST, error

    def heard(self, status: Status) -> None:
        self._status, self._heard_at = status, self.now()
        self._history.add(status, self._heard_at)

    def view(self) -> View:
        """The moment as screens and actions see it; cheap, and without the log's text."""
        return self._view(())

    def view_with_log(self) -> View:
        """The same with the last lines of the log, which are read from its file.

        The very same object as before where nothing has changed, so that nothing is drawn again.
        """
        if self._frozen is not None:
            return self._frozen
        moment = self._moment()
        if self._shown is None or moment != self._shown_at:
            self._shown, self._shown_at = self._view(self._log_tail()), moment
        return self._shown

    def _moment(self) -> tuple[object, ...]:
        """Equal as long as nothing of a view would look different."""
        path, now_s = self._log_path, self.now().timestamp()
        status = self._status
        quiet = status is not None and status.server.state in QUIET and not status.operations
        every_s = GRAPHS_MOVE_S if quiet and self.link is Link.LIVE else AGES_MOVE_S
        log = stamp_of(path) if path else ()
        seen = (log, self.window_s, self._history.revision)
        return self.link, status, seen, now_s // every_s, now_s // 60

    def pause(self) -> None:
        """Hold what is drawn as it is, or let it go on; actions go by what is so meanwhile."""
        frozen = replace(self.view_with_log(), paused=True)
        self._frozen = None if self._frozen else frozen

    def widen(self) -> None:
        """Graphs over the next longer window, after the longest over the shortest."""
        self.window_s = WINDOWS_S[(WINDOWS_S.index(self.window_s) + 1) % len(WINDOWS_S)]
        if self._frozen is not None:
            self._frozen = replace(self._frozen, window_s=self.window_s)

    @property
    def _log_path(self) -> Path | None:
        path = self._status.server.log_path if self._status else None
        return Path(path) if path else None

    def _log_tail(self) -> tuple[LogLine, ...]:
        """Read again only where the file has changed."""
        path = self._log_path
        if path is None:
            return ()
        stamp = (path, *stamp_of(path))
        if stamp != self._tail_stamp:
            self._tail, self._tail_stamp = read_tail(path, TAIL_LINES), stamp
        return self._tail

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
            window_s=self.window_s,
            keymap=self._keymap,
            alone=self._alone,
            only_for=_only_for(status),
            hostname=(status.host.hostname if status else None) or self._hostname,
        )


def _only_for(status: Status | None) -> str | None:
    """The group that a shared supervisor is for, where we do not belong to it."""
    shared = status.supervisor if status else None
    if shared is None or not shared.group:
        return None
    return shared.group if is_outside(shared.group, shared.pid) else None
