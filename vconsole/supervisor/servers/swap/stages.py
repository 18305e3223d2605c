"""The stages of a swap that touch the old server: end it, start and prove another, or go back.

Each can be entered again from whatever is found then, by this supervisor or by a later one.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from vconsole.errors import ExitCode, VConsoleError
from vconsole.supervisor.model import Failure, ServerState
from vconsole.supervisor.processes import tree
from vconsole.supervisor.servers.ender import survivors_left
from vconsole.supervisor.servers.operations import RunningOperation
from vconsole.supervisor.servers.record import SwapStage, Transaction
from vconsole.supervisor.servers.smoking import smoke_test
from vconsole.supervisor.servers.starts import succession
from vconsole.supervisor.servers.starts.launch import PreparedLaunch
from vconsole.supervisor.servers.states import RUNNING
from vconsole.supervisor.servers.swap import transaction
from vconsole.supervisor.servers.swap.front import SwapFront

if TYPE_CHECKING:
    from vconsole.supervisor.servers.server import Server

# A rollback is worth a second try where the diagnosis says that it can help.
RETURNS = 2
S = ServerState


class SwapRun:
    """One run through the stages of the swap in the record of `server`, told in `operation`."""

    def __init__(self, server: Server, operation: RunningOperation) -> None:
        self._server = server
        self._operation = operation
        self._front = SwapFront(server, operation)

    async def to_the_end(self) -> None:
        """From any stage that touches the old server to the end of the swap."""
        try:
            if self.now.stage is SwapStage.STOPPING:
                self._front.take_port()
                await self._clear_away("swap asked for", self.now.drain_s, may_sleep=True)
                await self.enter(SwapStage.STARTING)
            while self._server.swapper.under_way and self.now.stage is SwapStage.STARTING:
                await self._try_candidate()
            if self._server.swapper.under_way:
                await self._return()
        except VConsoleError as error:
            self._server.teller.swapped(self._operation.snapshot, error)
            raise
        else:
            self._server.teller.swapped(self._operation.snapshot, None)
        finally:
            serving = self._server.book.state is S.READY
            await self._front.close(serving)

    # --- stages ----------------------------------------------------------------------------------

    async def _try_candidate(self) -> None:
        if self.now.failure is None:
            try:
                await self._bring_up("")
                with self._operation.step("smoke test"):
                    await self._prove()
            except VConsoleError as error:
                await self.note(failure=self.failure_of(error))
            else:
                await self._server.swapper.close()
                return
        self._front.take_port()
        await self._clear_away("it did not prove itself", 0.0, "failed one: ")
        failed, cause = self.now, self.now.failure.cause if self.now.failure else "unknown"
        if succession.smaller_may_help(cause) and await self._server.sleepers.make_way():
            await self.note(failure=None)
        elif failed.tried + 1 < len(failed.candidates) and succession.smaller_may_help(cause):
            self._operation.falls_back(self._server.teller.fallback(failed))
            await self.note(tried=failed.tried + 1, failure=None)
        else:
            await self.enter(SwapStage.RETURNING)

    async def _return(self) -> None:
        """The old one again, and the error that says why the swap was rolled back."""
        now, reason = self.now, self.now.failure
        new, back = now.candidates[now.tried].served_name, now.old.served_name
        why = reason.message if reason else "it failed"
        error = await self._start_old()
        await self._server.swapper.close()
        if error:
            raise VConsoleError(
                f"{new}: {why}; and {back}, which had served, did not come back: {error.message}",
                error.remedy,
                kind="rollback_failed",
            )
        self._operation.note(rolled_back=True)
        # It served before: what it fails in now it may always have failed in.
        with suppress(VConsoleError), self._operation.step("roll back: smoke test", back):
            await self._prove()
        raise VConsoleError(
            f"{new} did not prove itself, and {back} serves again: {why}",
            reason.remedy if reason else None,
            kind=reason.cause if reason else None,
        )

    async def _start_old(self) -> VConsoleError | None:
        """Bring the old one back, twice where the diagnosis says that it can help; else why not."""
        book = self._server.book
        for left in reversed(range(RETURNS)):
            try:
                await self._bring_up("roll back: ")
                return None
            except VConsoleError as error:
                known = self.failure_of(error)
                if left and known.retryable:
                    continue
                if book.state in {S.STOPPED, S.ASLEEP}:
                    why = "the rollback failed too"
                    await book.enter(S.FAILED, why, last_failure=known)
                return error
        return None

    async def _bring_up(self, words: str) -> None:
        """From whatever there is of this start (nothing, loading, ready) to ready."""
        server = self._server
        prepared = await asyncio.to_thread(transaction.prepared_now, server.name, self.now)
        plan, down = prepared.launch, {S.STOPPED, S.FAILED, S.BACKOFF, S.ASLEEP}
        if server.book.state in down and await self._wake(prepared, words):
            return
        with self._operation.step(f"{words}start", plan.served_name):
            if server.book.state in down:
                await self._spawn(prepared)
            if server.book.state is S.STARTING and server.life:
                async with self._front.beside(server.life):
                    await server.until_ready(server.life)
            await self._require_alive()

    async def _wake(self, prepared: PreparedLaunch, words: str) -> bool:
        sleepers = self._server.sleepers
        return await sleepers.wake(self._operation, prepared, words, self._front.step_aside)

    async def _spawn(self, prepared: PreparedLaunch) -> None:
        lock = self._front.hand_over_lock(prepared.launch.port)
        try:
            await self._server.spawn(prepared, "swap", (), lock)
        except OSError as error:
            raise VConsoleError(
                f"it could not be started: {error}", "see whether the disk is full or read-only"
            ) from error

    async def _require_alive(self) -> None:
        """A tree that ended while nobody looked is swept now, and its log says why it did."""
        server = self._server
        if server.life is None and server.book.state in RUNNING:
            failure = await server.ender.sweep("it ended while no supervisor ran", None)
            raise VConsoleError(failure.message, failure.remedy, kind=failure.cause)

    async def _prove(self) -> None:
        life = self._server.require_ready()
        report = await smoke_test(self._server, life)
        if report.passed:
            return
        if not life.is_alive():
            # Why it ended says more than that nobody answered; the keeper may be at it already.
            with suppress(VConsoleError):
                await self._server.ender.sweep("it ended in its smoke test", life)
        checks = [check for check in report.checks if not check.passed]
        said = "; ".join(f"{check.name}: {check.detail}" for check in checks)
        raise VConsoleError(f"smoke test not passed ({said})", kind="smoke_failed")

    async def _clear_away(
        self, cause: str, drain_s: float | None, words: str = "", *, may_sleep: bool = False
    ) -> None:
        """From whatever state to `stopped` or `asleep`; survivors end the swap with an error."""
        server, book = self._server, self._server.book
        async with server.ender.lock:
            if book.state in {S.STARTING, S.READY, S.STALLED} or (
                book.state is S.FAILED and server.life
            ):
                await book.enter(S.STOPPING, cause)
            if book.state is S.STOPPING and not (may_sleep and await self._put_asleep(drain_s)):
                await self._end_tree(drain_s, words)
            if left := tree.living(book.record.survivors):
                await server.swapper.close()
                raise survivors_left(left)
            if book.state not in {S.STOPPED, S.ASLEEP}:
                last = book.record.last_failure
                await book.enter(S.STOPPED, cause, run=None, last_failure=last)
        await self._front.until_taken()

    async def _put_asleep(self, drain_s: float | None) -> bool:
        server = self._server
        coming = transaction.prepared_now(server.name, replace(self.now, stage=SwapStage.STARTING))
        sleepers = server.sleepers
        return await sleepers.put(
            self._operation, drain_s, self._front.until_released, sleepers.find(coming)
        )

    async def _end_tree(self, drain_s: float | None, words: str) -> None:
        """What will not end leaves no room for another, so that the swap ends there, too."""
        server = self._server
        if server.life is None:
            await server.ender.end_remains()
            return
        try:
            front = self._front
            await server.ender.end(
                self._operation, drain_s, front.until_taken, words, replaced=front.is_taking
            )
        except VConsoleError:
            await self._server.swapper.close()
            raise

    # --- the record ------------------------------------------------------------------------------

    @property
    def now(self) -> Transaction:
        found = self._server.book.record.swap
        if found is None:
            raise VConsoleError("the swap was cut short", exit_code=ExitCode.FAILED)
        return found

    async def enter(self, stage: SwapStage) -> None:
        await self.note(stage=stage)

    async def note(self, **fields: object) -> None:
        changed = replace(self.now, steps=self._operation.snapshot.steps, **fields)  # type: ignore[arg-type]
        await self._server.book.note(swap=changed)

    def failure_of(self, error: VConsoleError) -> Failure:
        """What is known of the failure: the diagnosis where a process ended, else the error."""
        known = self._server.book.record.last_failure
        if self._server.book.state is S.FAILED and known:
            return known
        return Failure(error.kind, error.message, datetime.now(UTC), error.remedy)
