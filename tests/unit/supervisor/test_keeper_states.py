"""The state machine under random verbs and faults: never an illegal state, never a lost one.

The book is the real one on a real disk; only the process tree is left out, since what is tried
here is which transition follows which.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from vconsole import paths
from vconsole.supervisor.files import previous
from vconsole.supervisor.memory.history import History
from vconsole.supervisor.model import Desired, Failure, ServerState
from vconsole.supervisor.processes.tree import ProcessId
from vconsole.supervisor.servers import record
from vconsole.supervisor.servers.book import Book
from vconsole.supervisor.servers.keeper import Keeper
from vconsole.supervisor.servers.record import Launch, Run
from vconsole.supervisor.servers.restarts import RestartPolicy
from vconsole.supervisor.servers.server import Server
from vconsole.supervisor.servers.states import RUNNING
from vconsole.supervisor.telling.event_log import EventLog
from vconsole.supervisor.telling.telling import Teller

S = ServerState
NOW = datetime(2026, 11, 23, tzinfo=UTC)
PLAN = Launch("m", "m", "127.0.0.1", 8000)
RUN = Run("main-1", "boot", ProcessId(1, 1), NOW)
NEVER_STARTS = RestartPolicy(first_s=3600.0, longest_s=3600.0, limit=3)


SETTINGS = settings(
    max_examples=40,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


class Day(RuleBasedStateMachine):
    """One server's day; the model keeps what the user asked for last."""

    @initialize()
    def begin(self) -> None:
        self.loop = asyncio.new_event_loop()
        paths.private_folder(paths.server_dir("main"))
        for path in (record.record_path("main"), previous(record.record_path("main"))):
            path.unlink(missing_ok=True)
        self.history = History(paths.history_path())
        self.events = EventLog(self.history, lambda: None)
        self.book = self.loop.run_until_complete(self._book())
        self.wanted = Desired.STOPPED
        self.restarts = 0

    async def _book(self) -> Book:
        return Book("main", lambda: None, Teller("main", self.events))

    def enter(self, state: ServerState, **fields: object) -> None:
        self.loop.run_until_complete(self.book.enter(state, "rule", **fields))

    @precondition(lambda self: self.book.state not in RUNNING)
    @rule()
    def start(self) -> None:
        self.wanted = Desired.RUNNING
        self.enter(S.STARTING, launch=PLAN, run=RUN, desired=Desired.RUNNING, next_start_at=None)

    @precondition(lambda self: self.book.state is S.STARTING)
    @rule()
    def becomes_ready(self) -> None:
        self.enter(S.READY)

    @precondition(lambda self: self.book.state is S.READY)
    @rule()
    def stalls(self) -> None:
        self.enter(S.STALLED)

    @precondition(lambda self: self.book.state is S.STALLED)
    @rule()
    def recovers(self) -> None:
        self.enter(S.READY)

    @precondition(lambda self: self.book.state in RUNNING | {S.FAILED, S.BACKOFF})
    @rule()
    def stop(self) -> None:
        self.wanted = Desired.STOPPED
        if self.book.state is S.BACKOFF:
            self.enter(S.STOPPED, desired=Desired.STOPPED)
            return
        if self.book.state is not S.STOPPING:
            self.enter(S.STOPPING, desired=Desired.STOPPED)
        self.enter(S.STOPPED, run=None)

    @precondition(lambda self: self.book.state in {S.STARTING, S.READY, S.STALLED})
    @rule()
    def ends_by_itself(self) -> None:
        was_ready = self.book.state is not S.STARTING
        before = self.book.record.restarts

        async def fail() -> None:
            keeper = Keeper(cast("Server", _OnlyABook(self.book)), NEVER_STARTS)
            failure = Failure("killed_by_signal", "killed", NOW, retryable=False)
            await keeper.after_failure("it ended", failure, was_ready, ())
            await keeper.close()

        self.loop.run_until_complete(fail())
        assert self.book.state in {S.BACKOFF, S.FAILED}
        if not was_ready:
            assert self.book.state is S.FAILED
        assert self.book.record.restarts - before == (self.book.state is S.BACKOFF)

    @rule()
    def supervisor_is_killed(self) -> None:
        before = self.book.record
        self.book = self.loop.run_until_complete(self._book())
        assert self.book.record == before

    @invariant()
    def what_is_wanted_is_what_was_asked_for(self) -> None:
        if hasattr(self, "book"):
            assert self.book.record.desired is self.wanted

    @invariant()
    def restarts_are_bounded(self) -> None:
        if hasattr(self, "book"):
            assert len(self.book.record.restart_times) <= NEVER_STARTS.limit

    def teardown(self) -> None:
        if hasattr(self, "loop"):
            self.loop.run_until_complete(self.events.close())
            self.history.close()
            self.loop.close()


class _OnlyABook:
    """As much of a server as a decision about a restart looks at."""

    def __init__(self, book: Book) -> None:
        self.book = book


def test_any_day_of_verbs_and_faults_is_legal(tmp_path: Path) -> None:
    run_state_machine_as_test(Day, settings=SETTINGS)
    assert paths.state_dir().is_relative_to(tmp_path)
