"""Ending a tree, asked for or after an end that nobody asked for: by one hand at a time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from vconsole.errors import VConsoleError
from vconsole.supervisor.model import Failure, ServerState
from vconsole.supervisor.processes import gpu_memory, process
from vconsole.supervisor.processes.tree import ProcessId
from vconsole.supervisor.servers import record
from vconsole.supervisor.servers.aftermath import explain_exit
from vconsole.supervisor.servers.life import Life
from vconsole.supervisor.servers.operations import RunningOperation
from vconsole.supervisor.servers.record import Run
from vconsole.supervisor.servers.states import RUNNING

if TYPE_CHECKING:
    from vconsole.supervisor.servers.server import Server


class Ender:
    """Ends the tree of one server; whoever changes its state while ending holds `lock`."""

    def __init__(self, server: Server) -> None:
        self.lock = asyncio.Lock()
        self._server = server

    async def end(self, operation: RunningOperation, drain_s: float | None) -> None:
        """End the tree of this server and prove it; survivors make the server `failed`."""
        server = self._server
        life = server.life
        if life is None:
            return
        with operation.step("drain and stop"):
            ending = await life.end(drain_s)
        if ending.survivors:
            await self._note_survivors(ending.survivors)
        with operation.step("port free"):
            await process.until_port_free(life.launch.host, life.launch.port)
        release = await life.gpu_memory_released()
        operation.note(gpu_memory_released=release.released, gpu_memory_note=release.words)
        await life.close()
        server.life = None

    async def _note_survivors(self, survivors: frozenset[ProcessId]) -> None:
        server = self._server
        message = f"these processes would not end: {process.describe(survivors)}"
        failure = Failure("survivors", message, datetime.now(UTC), "end them, or reboot")
        left = tuple(sorted(survivors))
        await server.book.enter(ServerState.FAILED, message, survivors=left, last_failure=failure)
        raise VConsoleError(message, failure.remedy, kind="survivors")

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
