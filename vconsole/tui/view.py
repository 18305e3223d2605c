"""What the screens draw from: the last snapshot, the state of the link to it, and the time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from vconsole.engine.log.logline import LogLine
from vconsole.errors import VConsoleError
from vconsole.supervisor.advice import advise
from vconsole.supervisor.model import (
    Advice,
    Operation,
    OperationState,
    ServerState,
    ServerStatus,
    Status,
)
from vconsole.tui.history import History

# What graphs may show, shortest first.
WINDOWS_S = (60.0, 600.0, 3600.0, 86_400.0)
SERVING = frozenset({ServerState.READY, ServerState.STALLED, ServerState.STOPPING})


class Link(StrEnum):
    """The way to the supervisor."""

    CONNECTING = "connecting"
    LIVE = "live"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class View:
    """One moment, whole; `status` is the last word heard, at `heard_at`, lost link or not.

    `keymap` has the keys of the actions that the user gave others; `alone` leaves the overview as
    the one screen. `only_for` is the group whose members alone may act, where we are none.
    """

    now: datetime
    link: Link = Link.CONNECTING
    status: Status | None = None
    heard_at: datetime | None = None
    link_error: VConsoleError | None = None
    history: History = field(default_factory=History)
    log_tail: tuple[LogLine, ...] = ()
    readonly: bool = False
    hostname: str = ""
    window_s: float = WINDOWS_S[1]
    paused: bool = False
    keymap: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    alone: bool = False
    only_for: str | None = None

    @property
    def server(self) -> ServerStatus | None:
        return self.status.server if self.status else None

    @property
    def state(self) -> ServerState | None:
        return self.status.server.state if self.status else None

    @property
    def serving(self) -> bool:
        """Whether figures of a running engine are what the overview is about."""
        return self.state in SERVING

    @property
    def advice(self) -> tuple[Advice, ...]:
        """What limits the server now, by the supervisor's rules."""
        return advise(self.status) if self.status else ()

    @property
    def operation(self) -> Operation | None:
        """What is being done to the server now."""
        running = (
            operation
            for operation in (self.status.operations if self.status else ())
            if operation.state is OperationState.RUNNING and operation.server == self.name
        )
        return next(running, None)

    @property
    def name(self) -> str | None:
        """The name of the server that is looked at."""
        return self.server.name if self.server else None

    @property
    def servers(self) -> tuple[ServerStatus, ...]:
        """All servers of this user, by name; the one looked at is among them, known or not."""
        if self.status is None:
            return ()
        by_name = {server.name: server for server in self.status.servers}
        by_name[self.status.server.name] = self.status.server
        return tuple(by_name[name] for name in sorted(by_name))

    @property
    def others(self) -> tuple[ServerStatus, ...]:
        """The servers that are not looked at."""
        return tuple(server for server in self.servers if server.name != self.name)

    @property
    def place(self) -> int:
        """Which of `servers` is looked at, from 1."""
        return 1 + [server.name for server in self.servers].index(self.name or "")

    @property
    def stale_s(self) -> float | None:
        """Age of the snapshot while the link is lost."""
        if self.link is not Link.LOST or self.heard_at is None:
            return None
        return (self.now - self.heard_at).total_seconds()

    @property
    def model(self) -> str | None:
        return model_name(self.server) if self.server else None

    @property
    def survival_note(self) -> str | None:
        """What to do so that a logout does not end supervisor and server; None where it does not.

        It is what `vconsole supervisor status` says.
        """
        return self.status.supervisor.survival_note if self.status else None

    @property
    def log_path(self) -> Path | None:
        server = self.server
        return Path(server.log_path) if server and server.log_path else None


def model_name(server: ServerStatus) -> str | None:
    """What users call the model: its served name, else the last part of its path."""
    if server.served_name:
        return server.served_name
    return Path(server.model).name if server.model else None


def address(server: ServerStatus) -> str | None:
    """Host and port, without the scheme."""
    if server.url is None:
        return None
    return server.url.split("://")[-1].split("/")[0]
