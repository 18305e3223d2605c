"""One named server: the operations that move its state, accepted or refused at once.

Everything runs on the supervisor's loop. What an operation does is in the record before and after,
so that a supervisor started later can go on from there.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime

from vconsole import paths
from vconsole.errors import ExitCode, VConsoleError
from vconsole.requests.messages import SmokeReport
from vconsole.requests.smoke import run_smoke
from vconsole.supervisor import launch, process, record, tree
from vconsole.supervisor.aftermath import explain_exit
from vconsole.supervisor.book import Book
from vconsole.supervisor.history import History
from vconsole.supervisor.life import Life
from vconsole.supervisor.model import Desired, Failure, Operation, ServerState, StartRequest
from vconsole.supervisor.operations import RunningOperation
from vconsole.supervisor.rotation import log_limits, put_away
from vconsole.supervisor.states import RUNNING
from vconsole.supervisor.tree import ProcessId

MAY_BE_CUT_SHORT = frozenset({"start", "restart", "smoke"})
log = logging.getLogger(__name__)


class Server:
    """The supervisor's view of one server; `life` is there while a process tree is."""

    def __init__(self, name: str, history: History, changed: Callable[[], None]) -> None:
        self.name = name
        self.book = Book(name, changed)
        self.life: Life | None = None
        self.operation: RunningOperation | None = None
        self.smoke_report: SmokeReport | None = None
        self._history = history
        self._changed = changed
        self._task: asyncio.Task[None] | None = None
        self._background: set[asyncio.Task[None]] = set()

    @property
    def busy(self) -> bool:
        return self.operation is not None and self.operation.running

    # --- verbs -----------------------------------------------------------------------------------

    def start(self, request: StartRequest) -> Operation:
        """Begin a start; refused while it runs or another operation does."""
        self._refuse_if_busy()
        if self.book.state in RUNNING:
            raise VConsoleError(
                f"{self.name} is {self.book.state} already: {self._what_runs()}",
                "`vconsole restart` starts it anew; `vconsole stop` ends it",
                ExitCode.REFUSED,
                kind="already_running",
            )
        prepared = launch.prepare(request, self.book.record.launch)
        launch.refuse_taken_port(prepared.launch.host, prepared.launch.port)
        return self._begin("start", lambda operation: self._start(operation, prepared))

    def stop(self, drain_s: float | None) -> Operation:
        """Begin a stop; it cuts a start short, and joins a stop that is under way."""
        if self.busy and self.operation and self.operation.snapshot.kind == "stop":
            return self.operation.snapshot
        if self.book.state is ServerState.STOPPED and not self.busy:
            raise VConsoleError(
                f"{self.name} is not running",
                "`vconsole start` starts it",
                ExitCode.NO_SERVER,
                kind="not_running",
            )
        return self._begin("stop", lambda operation: self._stop(operation, drain_s))

    def restart(self) -> Operation:
        self._refuse_if_busy()
        last = self.book.record.launch
        if last is None:
            raise VConsoleError(
                f"{self.name} never ran, so there is nothing to start again",
                "`vconsole start MODEL` starts it",
                ExitCode.NO_SERVER,
                kind="not_running",
            )
        request = StartRequest(env=record.load_environment(self.name))
        prepared = launch.prepare(request, last)
        return self._begin("restart", lambda operation: self._restart(operation, prepared))

    def smoke(self) -> Operation:
        self._refuse_if_busy()
        self.require_ready()
        return self._begin("smoke", self._smoke)

    def require_ready(self) -> Life:
        """The life that serves, or the error that there is none (exit code 3)."""
        if self.life is None or self.book.state not in {ServerState.READY, ServerState.STALLED}:
            raise VConsoleError(
                f"{self.name} is {self.book.state}, not ready",
                "`vconsole start` starts it; `vconsole status` shows how far it is",
                ExitCode.NO_SERVER,
                kind="not_running",
            )
        return self.life

    async def adopt_recorded(self) -> None:
        """Take over what the record says was running, or note how it ended meanwhile."""
        known = self.book.record
        if known.run is None or known.state not in RUNNING | {ServerState.FAILED}:
            return
        if known.run.boot_id != tree.boot_id():
            await self._note_gone("the machine was restarted")
        elif tree.is_alive(known.run.leader):
            await self._adopt()
        elif known.state in RUNNING:
            await self._clean_up_after("it ended while no supervisor ran", None)

    async def refresh_tree(self) -> None:
        """Record each process that joined the tree, so that none is forgotten at its end."""
        life = self.life
        if life is None or not life.learn_tree():
            return
        await self.book.note(run=life.run)

    async def close(self) -> None:
        """Let go of the server without touching it."""
        for task in [self._task, *self._background]:
            if task and not task.done():
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        if self.life:
            await self.life.close()

    # --- operations ------------------------------------------------------------------------------

    def _begin(self, kind: str, work: Callable[[RunningOperation], Awaitable[None]]) -> Operation:
        previous, self._task = self._task, None
        if self.busy and self.operation and self.operation.snapshot.kind not in MAY_BE_CUT_SHORT:
            self._refuse_if_busy()
        cut_short = self.operation if self.busy else None
        operation = RunningOperation(kind, self.name, self._changed)
        self.operation = operation
        self._task = asyncio.create_task(self._carry_out(operation, work, previous, cut_short))
        return operation.snapshot

    async def _carry_out(
        self,
        operation: RunningOperation,
        work: Callable[[RunningOperation], Awaitable[None]],
        previous: asyncio.Task[None] | None,
        cut_short: RunningOperation | None,
    ) -> None:
        if previous and not previous.done():
            previous.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await previous
        if cut_short and cut_short.running:
            cut_short.failed(
                VConsoleError(
                    f"cut short by a {operation.snapshot.kind}", exit_code=ExitCode.FAILED
                )
            )
        try:
            await work(operation)
            operation.done()
        except VConsoleError as error:
            operation.failed(error)
        except OSError as error:
            log.exception("%s of %s failed", operation.snapshot.kind, self.name)
            operation.failed(VConsoleError(f"{error}", "see `vconsole supervisor status`"))

    async def _start(self, operation: RunningOperation, prepared: launch.PreparedLaunch) -> None:
        with operation.step("spawn"):
            life = await self._spawn(prepared)
        with operation.step("load"):
            await self._until_ready(life)

    async def _stop(self, operation: RunningOperation, drain_s: float | None) -> None:
        if self.book.state is ServerState.STOPPED:
            return
        await self.book.enter(ServerState.STOPPING, "asked for", desired=Desired.STOPPED)
        await self._end(operation, drain_s)
        await self.book.enter(ServerState.STOPPED, "stopped", run=None, last_failure=None)

    async def _restart(self, operation: RunningOperation, prepared: launch.PreparedLaunch) -> None:
        if self.book.state in RUNNING:
            await self.book.enter(ServerState.STOPPING, "restart asked for")
            await self._end(operation, None)
            await self.book.enter(ServerState.STOPPED, "stopped", run=None, last_failure=None)
        launch.refuse_taken_port(prepared.launch.host, prepared.launch.port)
        await self._start(operation, prepared)

    async def _smoke(self, operation: RunningOperation) -> None:
        life = self.require_ready()
        with operation.step("smoke"):
            report = await run_smoke(life.launch.url, life.launch.served_name, life.api_key)
        self.smoke_report = report
        if not report.passed:
            failed = ", ".join(check.name for check in report.checks if not check.passed)
            raise VConsoleError(f"smoke test not passed: {failed}", kind="smoke_failed")

    # --- parts -----------------------------------------------------------------------------------

    async def _spawn(self, prepared: launch.PreparedLaunch) -> Life:
        plan = prepared.launch
        paths.private_folder(paths.server_dir(self.name))
        await asyncio.to_thread(record.save_environment, self.name, prepared.given_environment)
        learned, count = await asyncio.to_thread(
            self._history.learned_phases, plan.model, engine_words(plan)
        )
        await asyncio.to_thread(put_away, record.log_path(self.name), log_limits())
        life = self.life = Life.spawn(self.name, prepared, learned, count)
        await self.book.enter(
            ServerState.STARTING,
            "asked for",
            desired=Desired.RUNNING,
            launch=plan,
            run=life.run,
            last_failure=None,
            survivors=(),
        )
        return life

    async def _until_ready(self, life: Life) -> None:
        cards = await life.until_ready(self._changed)
        if cards is None:
            raise await self._failed_start(life)
        phases = life.finish_start()
        run = replace(
            life.run,
            ready_at=datetime.now(UTC),
            ready_s=life.ready_s,
            phases=phases,
            max_model_len=cards[0].max_model_len if cards else None,
        )
        life.run = run
        await self.book.enter(ServerState.READY, f"ready after {life.ready_s:.1f} s", run=run)
        self._watch(life)
        plan = life.launch
        await asyncio.to_thread(
            self._history.add_start,
            *(self.name, plan.model, engine_words(plan), plan.flags),
            *(run.started_at, life.ready_s, phases),
        )

    async def _failed_start(self, life: Life) -> VConsoleError:
        failure = await self._clean_up_after("it ended before it was ready", life)
        return VConsoleError(failure.message, failure.remedy, kind=failure.cause)

    def _watch(self, life: Life) -> None:
        """Notice the end of a serving API server at once, whoever ended it."""

        async def watch() -> None:
            await life.exited.wait()
            if self.life is life and self.book.state in {ServerState.READY, ServerState.STALLED}:
                await self._clean_up_after("it ended while serving", life)

        task = asyncio.create_task(watch())
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _end(self, operation: RunningOperation, drain_s: float | None) -> None:
        """End the tree of this server and prove it; survivors make the server `failed`."""
        life = self.life
        if life is None:
            return
        with operation.step("drain and stop"):
            ending = await life.end(drain_s)
        if ending.survivors:
            await self._note_survivors(ending.survivors)
        with operation.step("port free"):
            await self._until_port_free(life)
        released = await life.gpu_memory_released()
        operation.note(gpu_memory_released=released)
        await life.close()
        self.life = None

    async def _note_survivors(self, survivors: frozenset[ProcessId]) -> None:
        words = process.describe(survivors)
        message = f"these processes would not end: {words}"
        failure = Failure("survivors", message, datetime.now(UTC), "end them, or reboot")
        await self.book.enter(
            ServerState.FAILED,
            message,
            survivors=tuple(sorted(survivors)),
            last_failure=failure,
        )
        raise VConsoleError(message, failure.remedy, kind="survivors")

    async def _until_port_free(self, life: Life) -> None:
        for _ in range(100):
            if process.port_is_free(life.launch.host, life.launch.port):
                return
            await asyncio.sleep(process.POLL_S)
        log.warning("%s: port %s is taken by somebody else", self.name, life.launch.port)

    async def _clean_up_after(self, cause: str, life: Life | None) -> Failure:
        """After an end that nobody asked for: sweep what is left, say why, and be `failed`."""
        run = self.book.record.run
        assert run is not None
        was_ready = run.ready_at is not None
        returncode = life.returncode if life else None
        ending = await process.end_tree(
            run.leader, frozenset(run.tree), run.tag, 0, life.reap if life else lambda: None
        )
        failure = await asyncio.to_thread(
            explain_exit, record.log_path(self.name), run.log_offset_bytes, returncode, was_ready
        )
        if life:
            await life.close()
        self.life = None
        await self.book.enter(
            ServerState.FAILED,
            cause,
            last_failure=failure,
            survivors=tuple(sorted(ending.survivors)),
        )
        return failure

    async def _adopt(self) -> None:
        assert self.book.record.launch
        assert self.book.record.run
        self.life = Life.adopt(self.name, self.book.record.launch, self.book.record.run)
        if self.book.state is ServerState.STARTING:
            self._begin("start", lambda _: self._until_ready(self.require_life()))
        elif self.book.state is ServerState.STOPPING:
            self._begin("stop", self._finish_stop)
        elif self.book.state is ServerState.FAILED:
            await self.book.enter(ServerState.STOPPING, "the last stop was not finished")
            self._begin("stop", self._finish_stop)
        else:
            self._watch(self.life)

    def require_life(self) -> Life:
        assert self.life is not None
        return self.life

    async def _finish_stop(self, operation: RunningOperation) -> None:
        await self._end(operation, None)
        await self.book.enter(ServerState.STOPPED, "stopped", run=None, last_failure=None)

    async def _note_gone(self, cause: str) -> None:
        failure = Failure("host_restarted", cause, datetime.now(UTC), "`vconsole start`", True)
        await self.book.note(
            state=ServerState.STOPPED, run=None, survivors=(), last_failure=failure
        )

    def _what_runs(self) -> str:
        plan = self.book.record.launch
        return f"{plan.served_name} on {plan.host}:{plan.port}" if plan else "nothing"

    def _refuse_if_busy(self) -> None:
        if self.busy and self.operation:
            raise VConsoleError(
                f"a {self.operation.snapshot.kind} of {self.name} is under way",
                "`vconsole status` shows how far it is; `vconsole stop` cuts a start short",
                ExitCode.REFUSED,
                kind="busy",
            )


def engine_words(plan: record.Launch) -> str:
    """The engine as history knows it: start times are comparable only on the same one."""
    return f"{plan.engine_version} {plan.engine_device}"
