"""A restart that fails while it loads is tried again, until the limit: on the real book."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import cast

from vconsole import paths
from vconsole.errors import VConsoleError
from vconsole.supervisor.memory.history import History
from vconsole.supervisor.model import Desired, Failure, ServerState
from vconsole.supervisor.processes.tree import ProcessId
from vconsole.supervisor.servers.book import Book
from vconsole.supervisor.servers.keeper import Keeper
from vconsole.supervisor.servers.record import Launch, Run
from vconsole.supervisor.servers.restarts import RestartPolicy
from vconsole.supervisor.servers.server import Server
from vconsole.supervisor.telling.event_log import EventLog
from vconsole.supervisor.telling.telling import Teller

AT_ONCE = RestartPolicy(first_s=0.01, longest_s=0.02, limit=3)
PLAN = Launch("m", "m", "127.0.0.1", 8000)
PATIENCE_S = 20.0


class _DiesWhileLoading:
    """Stands where the server does: each start gets a process, which is killed before it serves."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.keeper = Keeper(cast("Server", self), AT_ONCE)
        self.starts = 0
        self.given_up = asyncio.Event()

    async def start_again(self) -> None:
        self.starts += 1
        now = datetime.now(UTC)
        run = Run("main-1", "boot", ProcessId(1, 1), now)
        await self.book.enter(ServerState.STARTING, "by itself", run=run, next_start_at=None)
        await self.dies(was_ready=False)
        raise VConsoleError("killed")

    async def dies(self, was_ready: bool) -> None:
        failure = Failure("killed", "killed", datetime.now(UTC), retryable=True)
        await self.keeper.after_failure("it ended", failure, was_ready, ())
        if self.book.state is ServerState.FAILED:
            self.given_up.set()


async def test_a_restart_that_dies_while_loading_is_tried_until_the_limit() -> None:
    paths.private_folder(paths.server_dir("main"))
    history = History(paths.history_path())
    events = EventLog(history, lambda: None)
    book = Book("main", lambda: None, Teller("main", events))
    server = _DiesWhileLoading(book)
    run = Run("main-1", "boot", ProcessId(1, 1), datetime.now(UTC))
    await book.note(launch=PLAN, run=run, desired=Desired.RUNNING)
    await book.enter(ServerState.STARTING, "asked for")
    await book.enter(ServerState.READY, "ready")
    await server.dies(was_ready=True)
    await asyncio.wait_for(server.given_up.wait(), PATIENCE_S)
    await server.keeper.close()
    assert server.starts == AT_ONCE.limit
    assert len(book.record.restart_times) == AT_ONCE.limit
    await events.close()
    history.close()
