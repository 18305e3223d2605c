"""Bringing up what a unit is for, and telling its manager how far it is, once a second.

READY is told when the server answers (or is stopped because a user wanted that); until then each
word asks for more time. The watchdog is fed by the supervisor's pulse and by nothing else.
"""

from __future__ import annotations

import asyncio
import logging

from vconsole.errors import VConsoleError
from vconsole.host.service.notify import Notifier
from vconsole.host.service.plan import NOT_TO_BE_RETRIED
from vconsole.supervisor.core import Supervisor
from vconsole.supervisor.model import Desired, ServerState, ServerStatus, StartRequest
from vconsole.supervisor.servers.server import Server
from vconsole.supervisor.servers.summary import server_status
from vconsole.supervisor.unit import occasion
from vconsole.supervisor.unit.occasion import Mark, Occasion

TELL_EVERY_S = 1.0
# The start may take this much longer from each word on.
MORE_TIME_S = 120
NAME = "main"
SERVING = frozenset({ServerState.READY, ServerState.STALLED})
# What another program may mend meanwhile; systemd's own limit bounds how often it is tried.
MAY_PASS = frozenset({"port_in_use"})
log = logging.getLogger(__name__)


class Serving:
    """The service that `profile` is, for as long as the supervisor lives.

    `exit_status` is what the process shall end with when this ended it.
    """

    def __init__(self, supervisor: Supervisor, profile: str, notifier: Notifier) -> None:
        self.exit_status = 0
        self._supervisor = supervisor
        self._profile = profile
        self._notifier = notifier
        self._occasion = Occasion.BY_HAND
        self._told_ready = False
        self._beats = -1
        self._text = ""
        self._error: VConsoleError | None = None

    async def keep(self) -> None:
        """Start what shall be served, then tell until the supervisor leaves."""
        self._occasion = await asyncio.to_thread(occasion.occasion)
        await asyncio.to_thread(occasion.leave, Mark.RUNNING)
        log.info("a service for %s, started %s", self._profile, self._occasion)
        self._begin()
        leaving = self._supervisor.leaving
        while not leaving.is_set():
            self._tell()
            await asyncio.sleep(TELL_EVERY_S)

    def say_leaving(self) -> None:
        words = "draining" if self._supervisor.stop_servers else "leaving; servers keep running"
        self._notifier.send(STOPPING=1, STATUS=words)

    @property
    def _server(self) -> Server:
        return self._supervisor.server(NAME)

    def _begin(self) -> None:
        """Begin a start where there is something to start; what is adopted is left as it is."""
        server = self._server
        request = self._wanted(server)
        if request is None or server.life or server.busy:
            return
        if server.book.state is ServerState.BACKOFF:
            return
        server.keeper.unattended = True
        try:
            server.start(request)
        except VConsoleError as error:
            self._error = error

    def _wanted(self, server: Server) -> StartRequest | None:
        """What to start: what was wanted last, for a start by hand else the unit's own profile."""
        if self._occasion in {Occasion.CRASH, Occasion.QUIET}:
            return None
        known = server.book.record
        if known.desired is Desired.RUNNING and known.launch:
            return StartRequest()
        by_hand = self._occasion is Occasion.BY_HAND
        return StartRequest(model=self._profile) if by_hand else None

    def _tell(self) -> None:
        facts: dict[str, str | int] = {}
        server = self._server
        if not self._told_ready:
            facts |= self._until_ready(server)
        if self._notifier.watched and self._supervisor.beats != self._beats:
            self._beats = self._supervisor.beats
            facts["WATCHDOG"] = 1
        text = self._error.message if self._error else status_text(server_status(server))
        if text != self._text:
            facts["STATUS"] = self._text = text
        if facts:
            self._notifier.send(**facts)

    def _until_ready(self, server: Server) -> dict[str, str | int]:
        state = server.book.state
        if self._error or (state is ServerState.FAILED and self._was_started(server)):
            self._give_up(server)
            return {}
        if state in SERVING or (state in ServerState and not self._is_under_way(server)):
            self._told_ready = True
            server.keeper.unattended = False
            return {"READY": 1}
        return {"EXTEND_TIMEOUT_USEC": MORE_TIME_S * 1_000_000}

    def _was_started(self, server: Server) -> bool:
        """Whether the failure is of this start; one from before is only told."""
        return server.keeper.unattended and not server.busy

    @staticmethod
    def _is_under_way(server: Server) -> bool:
        coming = {ServerState.STARTING, ServerState.STOPPING, ServerState.BACKOFF}
        return server.busy or server.book.state in coming

    def _give_up(self, server: Server) -> None:
        """End the process: what cannot be served makes the unit fail, for all to see."""
        failure = server.book.record.last_failure
        error = self._error or VConsoleError(failure.message if failure else "the start failed")
        remedy = error.remedy or (failure.remedy if failure else None)
        log.error("%s cannot be served: %s; %s", self._profile, error.message, remedy or "")
        self.exit_status = 1 if error.kind in MAY_PASS else NOT_TO_BE_RETRIED
        self._notifier.send(STATUS=f"failed: {error.message}")
        self._supervisor.leaving.set()


def status_text(server: ServerStatus) -> str:
    """One line for `systemctl status`: what is served, or the phase with its share."""
    what = server.served_name or server.name
    if server.state is ServerState.STARTING:
        share = "" if server.progress is None else f" {server.progress:.0%}"
        left = "" if server.eta_s is None else f", about {server.eta_s:.0f} s to go"
        return f"{what} is starting: {server.phase or 'spawn'}{share}{left}"
    if server.state in {ServerState.FAILED, ServerState.BACKOFF} and server.last_failure:
        return f"{what} is in {server.state}: {server.last_failure.message}"
    if server.state in SERVING:
        return f"{what} is {server.state} at {server.url}"
    return f"{what} is {server.state}"
