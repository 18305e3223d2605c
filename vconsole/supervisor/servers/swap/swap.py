"""The swap: another model in place of the running one, or the running one back.

Its stages are in the record, written whole before each is entered, and each can be entered again
from whatever is found then. So a supervisor that finds a swap under way goes on with it.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from vconsole.errors import ExitCode, VConsoleError
from vconsole.supervisor.model import JobsRule, Operation, ServerState, SwapRequest
from vconsole.supervisor.processes import tree
from vconsole.supervisor.servers import record
from vconsole.supervisor.servers.life import Life
from vconsole.supervisor.servers.operations import RunningOperation
from vconsole.supervisor.servers.record import SwapStage, Transaction
from vconsole.supervisor.servers.starts import succession
from vconsole.supervisor.servers.starts.succession import Chain
from vconsole.supervisor.servers.states import RUNNING
from vconsole.supervisor.servers.swap import transaction
from vconsole.supervisor.servers.swap.ground import Ground
from vconsole.supervisor.servers.swap.stages import SwapRun
from vconsole.supervisor.servers.swap.transaction import Environments
from vconsole.supervisor.servers.swap.work import (
    JobsOn,
    Pull,
    RunningJob,
    jobs_out_of_the_way,
    nobody_pulls,
    none_known,
    refuse_for_jobs,
)

if TYPE_CHECKING:
    from vconsole.supervisor.servers.server import Server

S = ServerState
log = logging.getLogger(__name__)


class Swapper:
    """Carries out the swaps of one server; `under_way` while its record holds one."""

    def __init__(self, server: Server) -> None:
        self.jobs_on: JobsOn = none_known
        self.pull: Pull = nobody_pulls
        self._server = server
        self._interrupted: tuple[Transaction, SwapRequest] | None = None

    @property
    def under_way(self) -> bool:
        return self._server.book.record.swap is not None

    def swap(self, request: SwapRequest) -> Operation:
        """Begin a swap; refused where nothing serves, or what is asked for cannot be served."""
        server = self._server
        server.refuse_if_busy()
        old = server.require_ready()
        refuse_for_jobs(self._jobs(), request.jobs, server.name)
        chain = succession.for_swap(request, old.launch, server.name)
        holds = succession.holds_requests(request)
        return server.begin("swap", lambda running: self._swap(running, request, chain, holds))

    def cancel(self) -> Operation:
        """Give up a swap that has not touched the old server yet; refused from then on."""
        server, found = self._server, self._server.book.record.swap
        if found is None:
            raise VConsoleError(
                f"no swap of {server.name} is under way", "see `vconsole status`", kind="no_swap"
            )
        if found.stage is not SwapStage.PREPARING:
            raise VConsoleError(
                f"the swap of {server.name} has begun: {found.old.served_name} serves no more",
                "it goes on to its end, or back; `vconsole stop` ends both",
                ExitCode.REFUSED,
                kind="swap_begun",
            )
        return server.begin("cancel swap", self._cancel)

    async def _cancel(self, operation: RunningOperation) -> None:
        """When the swap itself has been cut short, which may have been a moment too late."""
        found = self._server.book.record.swap
        if found and found.stage is SwapStage.PREPARING:
            self._server.teller.swap_dropped(found, "it was cancelled")
            await self.close()
        elif found:
            await self._go_on_with_old_steps(operation)

    # --- the transaction -------------------------------------------------------------------------

    async def _swap(
        self, operation: RunningOperation, request: SwapRequest, chain: Chain, holds: bool
    ) -> None:
        server, old = self._server, self._server.require_ready()
        operation.note(old=old.launch.served_name, new=chain[0].launch.served_name)
        await self._open(old, chain, request, holds)
        try:
            chain = await self._prepare(operation, request, old, chain)
            # A pull takes its time, and a job may have begun in it.
            refuse_for_jobs(self._jobs(), request.jobs, server.name)
            async with jobs_out_of_the_way(
                self._jobs, request.jobs, operation, lambda: self._serves(old.launch.served_name)
            ):
                if request.when_idle:
                    await Ground(server, old, operation).until_idle(lambda: bool(self._jobs()))
                await self._open(old, chain, request, holds)
                run = SwapRun(server, operation)
                await run.enter(SwapStage.STOPPING)
                await run.to_the_end()
        except VConsoleError as error:
            if self.under_way:
                await self._call_off(operation, error)
            raise

    async def _prepare(
        self, operation: RunningOperation, request: SwapRequest, old: Life, chain: Chain
    ) -> Chain:
        ground = Ground(self._server, old, operation)
        await ground.fetch(chain, self.pull)
        chain = await ground.plan(chain)
        if not self._server.sleepers.find(chain[0]):
            await ground.read_ahead(chain[0])
        if request.drain_s is not None and not request.when_idle:
            await ground.let_finish(request.drain_s)
        return chain

    async def _call_off(self, operation: RunningOperation, error: VConsoleError) -> None:
        """Nothing was done to the old one: it serves on, or is brought back if it ended."""
        if self._server.book.state in {S.READY, S.STALLED}:
            await self.close()
            return
        run = SwapRun(self._server, operation)
        await run.note(failure=run.failure_of(error), stage=SwapStage.RETURNING)
        await run.to_the_end()

    def _jobs(self) -> tuple[RunningJob, ...]:
        return self.jobs_on(self._server.name)

    def _serves(self, served_name: str) -> bool:
        book = self._server.book
        launch = book.record.launch
        return book.state is S.READY and launch is not None and launch.served_name == served_name

    async def _open(self, old: Life, chain: Chain, request: SwapRequest, holds: bool) -> None:
        """Write down what is intended, before anything is done to the old server."""
        given = await asyncio.to_thread(record.load_environment, self._server.name)
        scheduled = request if request.when_idle or request.jobs is JobsRule.WAIT else None
        coming = tuple(one.given_environment for one in chain)
        environments = Environments(given, coming, scheduled)
        await asyncio.to_thread(transaction.save_environments, self._server.name, environments)
        intended = Transaction(
            old=old.launch,
            candidates=tuple(one.launch for one in chain),
            began_at=datetime.now(UTC),
            drain_s=request.drain_s,
            holds_requests=holds,
        )
        await self._server.book.note(swap=intended)

    async def close(self) -> None:
        """The end of it, whichever; also what a stop does to a swap that it cuts short."""
        if self.under_way:
            await self._server.book.note(swap=None)
            await asyncio.to_thread(transaction.forget_environments, self._server.name)

    async def take_up(self) -> bool:
        """Go on with what an earlier supervisor left under way; whether there was anything.

        One that had not touched the old server yet is dropped, and that is told; one that waits
        for jobs or idleness is asked for again when what it is to replace has been adopted.
        """
        server, found = self._server, self._server.book.record.swap
        if found is None:
            return False
        if found.stage is SwapStage.PREPARING:
            request = await asyncio.to_thread(transaction.scheduled, server.name)
            await self.close()
            if request is None:
                server.teller.swap_dropped(found, "the supervisor ended before it began")
            else:
                self._interrupted = found, request
            return False
        await self._adopt_what_lives()
        server.begin("swap", self._go_on_with_old_steps)
        return True

    def ask_again(self) -> None:
        """Ask for the scheduled swap that the supervisor before us had not begun, if there is."""
        if self._interrupted is None:
            return
        (found, request), self._interrupted = self._interrupted, None
        try:
            self.swap(request)
        except VConsoleError as error:
            self._server.teller.swap_dropped(found, error.message)

    async def _adopt_what_lives(self) -> None:
        server, known = self._server, self._server.book.record
        if known.run is None or known.launch is None or known.state not in RUNNING | {S.FAILED}:
            return
        if known.run.boot_id != tree.boot_id():
            await server.book.note(state=S.STOPPED, run=None, survivors=())
        elif tree.is_alive(known.run.leader):
            life = server.life = Life.adopt(server.name, known.launch, known.run)
            server.teller.adopted(known.run.leader.pid)
            if known.state in {S.READY, S.STALLED}:
                server.keeper.watch(life)

    async def _go_on_with_old_steps(self, operation: RunningOperation) -> None:
        run = SwapRun(self._server, operation)
        found = run.now
        old, new = found.old.served_name, found.candidates[0].served_name
        operation.note(steps=found.steps, old=old, new=new)
        await run.to_the_end()
