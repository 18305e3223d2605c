"""What befalls a server without anybody asking: its end, a stall, a restart, an adoption.

The keeper watches one server and decides; whatever it starts runs as an ordinary operation.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from vconsole.engine.metrics.figures import Scrape
from vconsole.errors import VConsoleError
from vconsole.supervisor.model import Desired, Failure, ServerState
from vconsole.supervisor.processes import tree
from vconsole.supervisor.processes.tree import ProcessId
from vconsole.supervisor.servers.health import HealthJudge, Judgement, Verdict
from vconsole.supervisor.servers.life import Life
from vconsole.supervisor.servers.operations import RunningOperation
from vconsole.supervisor.servers.restarts import RestartPolicy
from vconsole.supervisor.servers.states import RUNNING

if TYPE_CHECKING:
    from vconsole.supervisor.servers.server import Server

SERVING = frozenset({ServerState.READY, ServerState.STALLED})
# A wedged engine may come back; one that a person halted with a signal is left to that person.
STALL_RESTART_S = 90.0
PROBE_S = 10.0
log = logging.getLogger(__name__)


class Keeper:
    """Watches one server; `policy` bounds how often it is started again."""

    def __init__(self, server: Server, policy: RestartPolicy | None = None) -> None:
        self.policy = policy or RestartPolicy()
        # A start at boot has nobody who waits for it, so that what may pass is tried again.
        self.unattended = False
        self._server = server
        self._judge = HealthJudge()
        self._stalled_since_s: float | None = None
        self._probing = False
        self._tasks: set[asyncio.Task[None]] = set()

    # --- health ----------------------------------------------------------------------------------

    def watch(self, life: Life) -> None:
        """Begin to watch a life that serves, and notice the end of its API server at once."""
        self._judge = HealthJudge()
        self._stalled_since_s = None

        async def until_the_end() -> None:
            await life.exited.wait()
            await self._sweep("it ended while serving", life)

        self._spawn(until_the_end())

    async def judge(self, life: Life, scrape: Scrape | None) -> None:
        """Take in one second of a serving life."""
        server = self._server
        if server.life is not life or server.book.state not in SERVING or life.exited.is_set():
            return
        seen = life.observe(scrape)
        judgement = self._judge.observe(seen)
        if judgement.verdict is Verdict.BROKEN:
            await self._sweep(judgement.reason, life)
        elif judgement.verdict is Verdict.STALLED:
            await self._stalled(life, judgement, seen.at_s, halted=bool(seen.stopped))
        elif self._judge.in_doubt and not seen.in_hand:
            await self._probe(life)
        elif server.book.state is ServerState.STALLED:
            await self._goes_on("it works on requests again")

    async def _stalled(
        self, life: Life, judgement: Judgement, at_s: float, *, halted: bool
    ) -> None:
        server = self._server
        if server.book.state is ServerState.READY:
            self._stalled_since_s = at_s
            await server.book.enter(ServerState.STALLED, judgement.reason)
        since_s = self._stalled_since_s or at_s
        if not halted and not server.busy and at_s - since_s > STALL_RESTART_S:
            await self._sweep(f"stalled: {judgement.reason}", life)

    async def _probe(self, life: Life) -> None:
        """Idle and in doubt: ask for one token, in a task of its own and one at a time."""
        if self._probing:
            return
        self._probing = True

        async def ask() -> None:
            try:
                answered = await life.answers_a_token(PROBE_S)
            finally:
                self._probing = False
            book = self._server.book
            if self._server.life is not life or book.state not in SERVING:
                return
            if answered:
                self._judge.in_doubt = False
                await self._goes_on("a one-token probe was answered")
            elif book.state is ServerState.READY:
                self._stalled_since_s = time.monotonic()
                reason = f"a one-token probe got no answer in {PROBE_S:.0f} s"
                await book.enter(ServerState.STALLED, reason)

        self._spawn(ask())

    async def _goes_on(self, cause: str) -> None:
        self._stalled_since_s = None
        if self._server.book.state is ServerState.STALLED:
            await self._server.book.enter(ServerState.READY, cause)

    async def _sweep(self, cause: str, life: Life) -> None:
        """Clean up after a serving life, unless a stop or another observation was quicker."""
        if self._server.life is life and self._server.book.state in SERVING:
            with contextlib.suppress(VConsoleError):
                await self._server.ender.sweep(cause, life)

    # --- restarts --------------------------------------------------------------------------------

    async def after_failure(
        self, cause: str, failure: Failure, was_ready: bool, left: tuple[ProcessId, ...]
    ) -> None:
        """Enter `failed`, or `backoff` where another try has a point and is still allowed.

        A server that was ready has proved its flags, so whatever ended it may be tried again; a
        start is tried again only by itself, and only where the diagnosis says that it can help.
        In a swap the swap decides what is started next.
        """
        book = self._server.book
        may_help = was_ready or (failure.retryable and self._begun_by_us)
        wanted = book.record.desired is Desired.RUNNING
        now = datetime.now(UTC)
        delay_s = self.policy.delay_s(book.record.restart_times, now, random.random())
        swapping = book.record.swap is not None
        if left or swapping or not wanted or not may_help or delay_s is None:
            if not swapping and wanted and may_help and delay_s is None:
                cause = f"{cause}; {self.policy.limit} restarts in a row did not help"
            await book.enter(
                ServerState.FAILED, cause, last_failure=failure, survivors=left, next_start_at=None
            )
            return
        at = now + timedelta(seconds=delay_s)
        await book.enter(
            ServerState.BACKOFF,
            f"{cause}; next try in {delay_s:.0f} s",
            last_failure=failure,
            next_start_at=at,
            restart_times=(*self.policy.recent(book.record.restart_times, now), now),
            restarts=book.record.restarts + 1,
            run=None,
        )
        self._spawn(self._start_at(at))

    @property
    def _begun_by_us(self) -> bool:
        times = self._server.book.record.restart_times
        return self.unattended or bool(self.policy.recent(times, datetime.now(UTC)))

    async def _start_at(self, at: datetime) -> None:
        """Start again at `at` unless somebody was quicker; a clock that stepped cannot delay it."""
        wait_s = (at - datetime.now(UTC)).total_seconds()
        await asyncio.sleep(min(max(0.0, wait_s), self.policy.longest_s))
        book = self._server.book
        if book.state is not ServerState.BACKOFF or book.record.next_start_at != at:
            return
        try:
            await self._server.start_again()
        except VConsoleError as error:
            # A start that came as far as a process has said itself how it ended, and may have set
            # the next try; only one that never began leaves ours standing.
            if book.state is ServerState.BACKOFF and book.record.next_start_at == at:
                failure = Failure(error.kind, error.message, datetime.now(UTC), error.remedy)
                cause = "it could not be started again"
                await book.enter(ServerState.FAILED, cause, last_failure=failure)

    # --- adoption --------------------------------------------------------------------------------

    async def adopt_recorded(self) -> None:
        """Take over what the record says was running, or go on from how it ended meanwhile."""
        await self._server.sleepers.adopt()
        if await self._server.swapper.take_up():
            return
        await self._adopt_recorded()
        self._server.swapper.ask_again()

    async def _adopt_recorded(self) -> None:
        known = self._server.book.record
        if known.state is ServerState.BACKOFF:
            self._spawn(self._start_at(known.next_start_at or datetime.now(UTC)))
        elif known.run is None or known.state not in RUNNING | {ServerState.FAILED}:
            return
        elif known.run.boot_id != tree.boot_id():
            await self._after_a_reboot()
        elif tree.is_alive(known.run.leader):
            await self._adopt()
        elif known.state in RUNNING:
            await self._after_an_end()

    async def _adopt(self) -> None:
        server, known = self._server, self._server.book.record
        if known.launch is None or known.run is None:
            return
        life = server.life = Life.adopt(server.name, known.launch, known.run)
        log.info("%s: adopted pid %d", server.name, known.run.leader.pid)
        server.teller.adopted(known.run.leader.pid)
        if known.state is ServerState.STARTING:
            server.begin("start", lambda _: server.until_ready(life))
        elif known.state is ServerState.STOPPING:
            server.begin("stop", self._finish_stop)
        elif known.state is ServerState.FAILED:
            await server.book.enter(ServerState.STOPPING, "the last stop was not finished")
            server.begin("stop", server.finish_stop)
        else:
            self.watch(life)
            server.standbys.serving(life)

    async def _after_an_end(self) -> None:
        """It ended while no supervisor ran: what was being stopped is stopped, the rest failed."""
        book = self._server.book
        if book.state is not ServerState.STOPPING:
            await self._server.ender.sweep("it ended while no supervisor ran", None)
            return
        await self._server.ender.end_remains()
        await book.enter(ServerState.STOPPED, "it ended while no supervisor ran", run=None)
        await self._come_back_if_wanted("its restart was interrupted")

    async def _finish_stop(self, operation: RunningOperation) -> None:
        """The rest of a stop, or of a restart: then it is still wanted."""
        await self._server.finish_stop(operation)
        await self._come_back_if_wanted("its restart was interrupted")

    async def _come_back_if_wanted(self, cause: str) -> None:
        book = self._server.book
        if book.record.desired is Desired.RUNNING:
            at = datetime.now(UTC)
            await book.enter(ServerState.BACKOFF, cause, next_start_at=at)
            self._spawn(self._start_at(at))

    async def _after_a_reboot(self) -> None:
        """Nothing of it can live: what was wanted comes back, what was stopped stays stopped."""
        book = self._server.book
        had_failed = book.state not in RUNNING
        await book.note(state=ServerState.STOPPED, run=None, survivors=())
        if not had_failed:
            await self._come_back_if_wanted("the machine was restarted")

    # --- tasks -----------------------------------------------------------------------------------

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
