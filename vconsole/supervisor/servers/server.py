"""One named server: the operations that move its state, accepted or refused at once.

Everything runs on the supervisor's loop. What an operation does is in the record before and after,
so that a supervisor started later can go on from there. What happens without an operation (a
crash, a stall, an adoption) is the keeper's.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Awaitable, Callable
from datetime import datetime

from vconsole import paths
from vconsole.errors import ExitCode, VConsoleError
from vconsole.requests.messages import SmokeReport
from vconsole.supervisor.logs.rotation import log_limits, put_away
from vconsole.supervisor.memory import smoke_results
from vconsole.supervisor.memory.history import History
from vconsole.supervisor.model import Desired, Operation, ServerState, StartRequest
from vconsole.supervisor.processes import gpu_memory, scope, tree
from vconsole.supervisor.processes.portlock import until_free
from vconsole.supervisor.servers import adoption, record
from vconsole.supervisor.servers.adoption import Adoption
from vconsole.supervisor.servers.book import Book
from vconsole.supervisor.servers.degradations import Degradations
from vconsole.supervisor.servers.ender import Ender
from vconsole.supervisor.servers.keeper import Keeper
from vconsole.supervisor.servers.life import Life
from vconsole.supervisor.servers.operations import RunningOperation
from vconsole.supervisor.servers.smoking import smoke_asked_for
from vconsole.supervisor.servers.starts import launch, succession
from vconsole.supervisor.servers.starts.asked_start import start_one_of
from vconsole.supervisor.servers.starts.judgement import Judge, Machine, nothing_known
from vconsole.supervisor.servers.starts.measuring import enter_in_ledger
from vconsole.supervisor.servers.states import RUNNING
from vconsole.supervisor.servers.swap.swap import Swapper
from vconsole.supervisor.servers.waiting.sleeping import Sleepers
from vconsole.supervisor.servers.waiting.standby_keeper import StandbyKeeper
from vconsole.supervisor.telling.event_log import EventLog
from vconsole.supervisor.telling.telling import Teller

MAY_BE_CUT_SHORT = frozenset({"start", "restart", "smoke", "swap"})
Work = Callable[[RunningOperation], Awaitable[None]]
log = logging.getLogger(__name__)


class Server:
    """The supervisor's view of one server; `life` is there while a process tree is."""

    def __init__(
        self,
        name: str,
        history: History,
        events: EventLog,
        changed: Callable[[], None],
        machine: Machine = nothing_known,
    ) -> None:
        self.name = name
        self.teller = Teller(name, events)
        self.book = Book(name, changed, self.teller)
        self.life: Life | None = None
        self.operation: RunningOperation | None = None
        self.smoke_report: SmokeReport | None = smoke_results.last(name)
        self.keeper = Keeper(self)
        self.ender = Ender(self)
        self.swapper = Swapper(self)
        self.standbys = StandbyKeeper(self)
        self.sleepers = Sleepers(self)
        self.degradations = Degradations(self.book, self.teller)
        self.judge = Judge(self.book, machine)
        self.machine = machine
        self.changed = changed
        self._history = history
        self._task: asyncio.Task[None] | None = None

    @property
    def busy(self) -> bool:
        return self.operation is not None and self.operation.running

    # --- verbs -----------------------------------------------------------------------------------

    def start(self, request: StartRequest) -> Operation:
        """Begin a start; refused while it runs or another operation does."""
        self.refuse_if_busy()
        if self.book.state in RUNNING:
            raise VConsoleError(
                f"{self.name} is {self.book.state} already: {self._what_runs()}",
                "`vconsole restart` starts it again; `vconsole stop` ends it",
                ExitCode.REFUSED,
                kind="already_running",
            )
        chain = succession.for_start(request, self.book.record.launch, self.name)
        launch.refuse_taken_port(chain[0].launch.host, chain[0].launch.port)
        return self.begin("start", lambda operation: start_one_of(self, operation, chain))

    def stop(self, drain_s: float | None, *, still_wanted: bool = False) -> Operation:
        """Begin a stop; it cuts a start short, and joins a stop that is under way.

        What is `still_wanted` comes back with the next supervisor of a service.
        """
        if self.busy and self.operation and self.operation.snapshot.kind == "stop":
            return self.operation.snapshot
        if self.book.state is ServerState.STOPPED and not (self.busy or self.sleepers.all):
            raise VConsoleError(
                f"{self.name} is not running",
                "`vconsole start` starts it",
                ExitCode.NO_SERVER,
                kind="not_running",
            )
        desired = self.book.record.desired if still_wanted else Desired.STOPPED
        return self.begin("stop", lambda operation: self._stop(operation, drain_s, desired))

    def restart(self, changes: tuple[str, ...] = ()) -> Operation:
        """Begin a stop and a start; `changes` are flags in the place of the last ones."""
        self.refuse_if_busy()
        prepared = self.prepare_again(changes)
        return self.begin("restart", lambda operation: self._restart(operation, prepared))

    def smoke(self) -> Operation:
        self.refuse_if_busy()
        self.require_ready()
        return self.begin("smoke", lambda operation: smoke_asked_for(self, operation))

    async def start_again(self) -> None:
        """Start what ran last, as the keeper does after a failure; raises what it fails with."""
        prepared, times = self.prepare_again(), self.book.record.restart_times
        if last := self.book.record.launch:
            prepared = launch.as_last(prepared, last)
        launch.refuse_taken_port(prepared.launch.host, prepared.launch.port)
        self.begin(
            "start", lambda operation: self.start_now(operation, prepared, "by itself", times)
        )
        if self.operation:
            await self.operation.finished()

    def prepare_again(self, changes: tuple[str, ...] = ()) -> launch.PreparedLaunch:
        last = self.book.record.launch
        if last is None:
            raise VConsoleError(
                f"{self.name} never ran, so there is nothing to start again",
                "`vconsole start MODEL` starts it",
                ExitCode.NO_SERVER,
                kind="not_running",
            )
        request = StartRequest(env=record.load_environment(self.name), change=changes)
        return launch.prepare(request, last, self.name)

    def require_ready(self) -> Life:
        """The life that serves, or the error that there is none (exit code 3)."""
        if self.life is None or self.book.state not in {ServerState.READY, ServerState.STALLED}:
            raise VConsoleError(
                f"{self.name} is {self.book.state}, not ready",
                "`vconsole start` starts it; `vconsole status` shows how far it has come",
                ExitCode.NO_SERVER,
                kind="not_running",
            )
        return self.life

    async def take_over(self, found: Adoption) -> None:
        """Make a foreign server ours under this name, which has to be free."""
        self.refuse_if_busy()
        free = self.book.state in {ServerState.STOPPED, ServerState.FAILED}
        if self.life or not free or tree.living(self.book.record.survivors):
            raise adoption.name_in_use(self.name, self._what_runs())
        self.begin("adopt", lambda _: self._take_over(found))
        if self.operation:
            await self.operation.finished()

    async def refresh_tree(self) -> None:
        """Record each process that joined the tree, so that none is forgotten at its end."""
        await self.sleepers.tend()
        life = self.life
        if life is not None and life.learn_tree():
            await self.book.note(run=life.run)

    async def close(self) -> None:
        """Let go of the server without touching it."""
        await self.keeper.close()
        await self.standbys.close()
        if self._task and not self._task.done():
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self.life:
            await self.life.close()

    def begin(self, kind: str, work: Work) -> Operation:
        """Make an operation of `work`; a start, restart or smoke test under way is cut short."""
        if self.busy and self.operation and self.operation.snapshot.kind not in MAY_BE_CUT_SHORT:
            self.refuse_if_busy()
        self.operation = RunningOperation(kind, self.name, self.changed)
        self._task = asyncio.create_task(self._carry_out(self.operation, work, self._task))
        return self.operation.snapshot

    async def _carry_out(
        self, operation: RunningOperation, work: Work, previous: asyncio.Task[None] | None
    ) -> None:
        kind = operation.snapshot.kind
        if previous and not previous.done():
            previous.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await previous
        try:
            await work(operation)
            operation.done()
        except VConsoleError as error:
            operation.failed(error)
        except OSError as error:
            remedy = "see whether the disk is full or read-only"
            operation.failed(VConsoleError(f"the {kind} failed: {error}", remedy))
        except asyncio.CancelledError:
            operation.failed(VConsoleError(f"the {kind} was cut short"))
            raise
        finally:
            if operation.running:
                log.exception("the %s of %s broke off", kind, self.name)
                where = paths.supervisor_log_path()
                operation.failed(VConsoleError(f"the {kind} broke off", f"{where} says why"))

    async def start_now(
        self,
        operation: RunningOperation,
        prepared: launch.PreparedLaunch,
        cause: str,
        restart_times: tuple[datetime, ...] = (),
    ) -> None:
        """Who asks for a start has seen to the failures before it, so they no longer count."""
        with operation.step("spawn"):
            life = await self.spawn(prepared, cause, restart_times)
        with operation.step("load"):
            await self.until_ready(life)

    async def _stop(
        self, operation: RunningOperation, drain_s: float | None, desired: Desired
    ) -> None:
        await self.swapper.close()
        await self.standbys.close()
        await self.sleepers.close()
        async with self.ender.lock:
            if self.book.state is ServerState.STOPPED:
                await self.book.note(desired=Desired.STOPPED)
                return
            if self.book.state in {ServerState.BACKOFF, ServerState.ASLEEP}:
                await self.book.enter(ServerState.STOPPED, "asked for", desired=desired)
                return
            if self.book.state is ServerState.STOPPING:
                # What was cut short had begun to stop it.
                await self.book.note(desired=desired)
            else:
                await self.book.enter(ServerState.STOPPING, "asked for", desired=desired)
            await self.finish_stop(operation, drain_s)

    async def finish_stop(self, operation: RunningOperation, drain_s: float | None = None) -> None:
        """The rest of a stop that the book knows of already."""
        await self.ender.end(operation, drain_s)
        await self.book.enter(ServerState.STOPPED, "stopped", run=None, last_failure=None)

    async def _restart(self, operation: RunningOperation, prepared: launch.PreparedLaunch) -> None:
        async with self.ender.lock:
            if self.book.state in RUNNING:
                await self.book.enter(ServerState.STOPPING, "restart asked for")
                await self.finish_stop(operation)
                if not self.sleepers.all:
                    await until_free(prepared.launch.port)
        launch.refuse_taken_port(prepared.launch.host, prepared.launch.port)
        await self.start_now(operation, prepared, "asked for")

    async def _take_over(self, found: Adoption) -> None:
        await asyncio.to_thread(adoption.keep_environment, self.name, found)
        if self.book.state is not ServerState.STOPPED:
            await self.book.enter(ServerState.STOPPED, "another server takes its place")
        life = self.life = Life.adopt(self.name, found.launch, found.run)
        await self.book.enter(
            ServerState.READY,
            f"adopted: it ran already as pid {found.run.leader.pid}",
            desired=Desired.RUNNING,
            launch=found.launch,
            run=found.run,
            restarts=0,
            last_failure=None,
            survivors=(),
        )
        self.keeper.watch(life)

    async def spawn(
        self,
        prepared: launch.PreparedLaunch,
        cause: str,
        restart_times: tuple[datetime, ...],
        port_lock: socket.socket | None = None,
    ) -> Life:
        """Begin a start; it is in the record as soon as there is a process."""
        plan = prepared.launch
        paths.private_folder(paths.server_dir(self.name))
        await asyncio.to_thread(record.save_environment, self.name, prepared.given_environment)
        learn = self._history.learned_phases
        learned, count = await asyncio.to_thread(learn, plan.model, plan.engine)
        await asyncio.to_thread(put_away, record.log_path(self.name), log_limits())
        scoping = await asyncio.to_thread(scope.offered)
        prepared = await gpu_memory.noted(prepared)
        standby = await self.standbys.take(prepared)
        port_lock = port_lock or self.sleepers.port_lock(plan.port)
        life = self.life = Life.spawn(
            self.name, prepared, learned, count, scoping, port_lock, standby
        )
        await self.book.enter(
            ServerState.STARTING,
            cause,
            desired=Desired.RUNNING,
            launch=plan,
            run=life.run,
            last_failure=None,
            next_start_at=None,
            restart_times=restart_times,
            survivors=(),
        )
        life = self.life = await life.settled(prepared, learned, count)
        await self.book.note(run=life.run)
        return life

    async def until_ready(self, life: Life) -> None:
        """Wait for a start to end, whoever began it; a failed one raises its diagnosis."""
        cards = await life.until_ready(self.changed)
        if cards is None:
            failure = await self.ender.sweep("it ended before it was ready", life)
            raise VConsoleError(failure.message, failure.remedy, kind=failure.cause)
        life.begin_serving(cards)
        cause = f"ready after {life.run.ready_s or 0:.1f} s"
        await self.book.enter(ServerState.READY, cause, run=life.run)
        self.keeper.watch(life)
        self.standbys.serving(life)
        usual = await asyncio.to_thread(self._history.learn, self.name, life.launch, life.run)
        self.teller.start_took(life.launch, life.run.ready_s, *usual)
        await enter_in_ledger(life, self.teller)

    def _what_runs(self) -> str:
        plan = self.book.record.launch
        return f"{plan.served_name} on {plan.host}:{plan.port}" if plan else "nothing"

    def refuse_if_busy(self) -> None:
        if self.busy and self.operation:
            raise VConsoleError(
                f"a {self.operation.snapshot.kind} of {self.name} is under way",
                "`vconsole status` shows how far it has come; `vconsole stop` cuts a start short",
                ExitCode.REFUSED,
                kind="busy",
            )
