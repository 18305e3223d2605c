"""Ending a tree, asked for or after an end that nobody asked for: by one hand at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from vconsole.errors import VConsoleError
from vconsole.host.oom_kills import oom_kills
from vconsole.supervisor.model import Failure, ServerState
from vconsole.supervisor.processes import gpu_memory, process
from vconsole.supervisor.processes.tree import ProcessId
from vconsole.supervisor.servers import record
from vconsole.supervisor.servers.life import Life
from vconsole.supervisor.servers.operations import RunningOperation
from vconsole.supervisor.servers.record import Run
from vconsole.supervisor.servers.starts.aftermath import explain_exit, killed_by_whom
from vconsole.supervisor.servers.starts.ways_out import with_ways_out
from vconsole.supervisor.servers.states import RUNNING

if TYPE_CHECKING:
    from vconsole.supervisor.servers.server import Server


class Ender:
    """Ends the tree of one server; whoever changes its state while ending holds `lock`."""

    def __init__(self, server: Server) -> None:
        self.lock = asyncio.Lock()
        self._server = server

    async def end(
        self,
        operation: RunningOperation,
        drain_s: float | None,
        port_taken: Callable[[], Awaitable[None]] | None = None,
        words: str = "",
        *,
        replaced: bool = False,
    ) -> None:
        """End the tree of this server and prove it; survivors make the server `failed`.

        `port_taken` waits for whoever takes the port over, who proves thereby that it was free;
        where they answer on it, it is `replaced` there from the beginning of its drain on.
        """
        server = self._server
        life = server.life
        if life is None:
            return
        with operation.step(f"{words}drain and stop"):
            ending = await life.end(drain_s, replaced)
            if ending.survivors:
                await self._note_survivors(ending.survivors)
        with operation.step(f"{words}port free"):
            if port_taken:
                await port_taken()
            else:
                await process.until_port_free(life.launch.host, life.launch.port)
        with operation.step(f"{words}memory settled"):
            release = await life.gpu_memory_released()
        operation.note(gpu_memory_released=release.released, gpu_memory_note=release.words)
        await life.close()
        server.life = None
        server.sleepers.clear_sockets()

    async def _note_survivors(self, survivors: frozenset[ProcessId]) -> None:
        server = self._server
        error = survivors_left(survivors)
        message = error.message
        failure = Failure(error.kind, message, datetime.now(UTC), error.remedy)
        left = tuple(sorted(survivors))
        await server.book.enter(ServerState.FAILED, message, survivors=left, last_failure=failure)
        raise error

    async def sweep(self, cause: str, life: Life | None) -> Failure:
        """After an end that nobody asked for: end what is left, and say why it ended.

        The keeper decides whether the server is `failed` then, or in `backoff` before another try.
        """
        server = self._server
        async with self.lock:
            run = server.book.record.run
            if run is None or server.life is not life or server.book.state not in RUNNING:
                raise VConsoleError(f"{server.name} is {server.book.state} already")
            return await self._sweep(cause, life, run)

    async def _sweep(self, cause: str, life: Life | None, run: Run) -> Failure:
        server = self._server
        returncode = life.returncode if life else None
        survivors = await self.end_remains()
        cause += await gpu_memory.left_behind(run)
        was_ready = run.ready_at is not None
        log_file = None if run.foreign else record.log_path(server.name)
        failure = await asyncio.to_thread(
            explain_exit, log_file, run.log_offset_bytes, returncode, was_ready
        )
        failure = killed_by_whom(failure, run.oom_kills_before, oom_kills())
        failure = await asyncio.to_thread(with_ways_out, failure, server.book.record.launch)
        if life:
            await life.close()
        server.life = None
        left = tuple(sorted(survivors))
        await server.keeper.after_failure(cause, failure, was_ready, left)
        return failure

    async def end_remains(self) -> frozenset[ProcessId]:
        """End whatever is left of the recorded run; returns who would not go."""
        server = self._server
        run = server.book.record.run
        if run is None:
            return frozenset()
        reap = server.life.reap if server.life else lambda: None
        return (await process.end_run(run, 0, reap)).survivors


def survivors_left(survivors: frozenset[ProcessId]) -> VConsoleError:
    message = f"these processes would not end: {process.describe(survivors)}"
    return VConsoleError(message, "end them, or reboot", kind="survivors")
