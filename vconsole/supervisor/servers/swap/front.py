"""The port of a server in a swap: answered for, and locked, from the old server's end on.

The stand-in has a listener of its own until the newcomer is about to bind the port, and answers on
the newcomer's own socket once that is bound. In between, for about a second of a cold start, the
port refuses connections: vLLM cannot bind a port on which somebody listens.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from vconsole.errors import VConsoleError
from vconsole.supervisor.processes import process
from vconsole.supervisor.processes.front import Front, Notice
from vconsole.supervisor.processes.portlock import lock_port
from vconsole.supervisor.processes.shared_socket import bound_socket
from vconsole.supervisor.servers import record
from vconsole.supervisor.servers.life import Life
from vconsole.supervisor.servers.operations import RunningOperation
from vconsole.supervisor.servers.record import Transaction

if TYPE_CHECKING:
    from vconsole.supervisor.servers.server import Server

POLL_S = 0.05
TAKEN_PATIENCE_S = 5.0
# The last of what `vllm serve` imports before it binds, and how long it may take to come to it.
LAST_IMPORT = "uvloop"
UNSEEN_S = 5.0
log = logging.getLogger(__name__)


class SwapFront:
    """Made for one swap, which has to be in the record; `close` is its end."""

    def __init__(self, server: Server, operation: RunningOperation) -> None:
        found = server.book.record.swap
        if found is None:
            raise VConsoleError("there is no swap to answer for")
        self._server = server
        self._operation = operation
        self._swap = found
        plan = found.old
        self._host, self._port = plan.host, plan.port
        self._front = Front(plan.host, plan.port, self._notice, found.holds_requests)
        self._wanted = _same_port(found) and not _speaks_tls(found)
        self._lock: socket.socket | None = None
        self._taking: asyncio.Task[None] | None = None

    def take_port(self) -> None:
        """Begin to wait for the port, and to answer on it."""
        if self._wanted and not self._front.listens and self._taking is None:
            self._taking = asyncio.create_task(self._front.take_port())

    @property
    def is_taking(self) -> bool:
        """Whether it waits for the port, to answer there as soon as somebody lets go of it."""
        return self._taking is not None

    async def until_taken(self) -> None:
        """After the end of a tree: until the port is answered for, or at least free; lock it."""
        if self._taking:
            await asyncio.wait([self._taking], timeout=TAKEN_PATIENCE_S)
        if not self._front.listens:
            await process.until_port_free(self._host, self._port)
        self._lock = self._lock or self._server.sleepers.port_lock(self._port)
        await self._take_lock()

    async def until_released(self) -> None:
        """After a server has let go of the port and lives on, with its lock."""
        if self._taking:
            await asyncio.wait([self._taking], timeout=TAKEN_PATIENCE_S)
        if not self._front.listens and not process.port_is_free(self._host, self._port):
            raise VConsoleError(f"port {self._port} is not free")

    async def step_aside(self) -> None:
        """Listen no more: somebody else is about to."""
        await self._give_way()

    async def _take_lock(self) -> None:
        """The last thread of a process that is gone may hold its descriptors a moment longer."""
        deadline_s = time.monotonic() + TAKEN_PATIENCE_S
        while self._lock is None and time.monotonic() < deadline_s:
            with contextlib.suppress(VConsoleError):
                self._lock = lock_port(self._port)
                return
            await asyncio.sleep(POLL_S)

    def hand_over_lock(self, port: int) -> socket.socket | None:
        """The lock for who starts on `port`, None where it has to take its own."""
        lock, self._lock = self._lock, None
        if lock and port != self._port:
            lock.close()
            return None
        return lock

    @asynccontextmanager
    async def beside(self, life: Life) -> AsyncIterator[None]:
        """Answer while `life` loads, out of its way when it binds and when it listens."""
        task = asyncio.create_task(self._accompany(life))
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            await self._give_way()

    async def close(self, serving: bool) -> None:
        """Pass on whoever was held, or refuse them, and let go of the port."""
        await self._give_way()
        self._front.release(serving)
        if self._lock:
            self._lock.close()

    async def _accompany(self, life: Life) -> None:
        if life.launch.port != self._port or not self._wanted:
            await self._give_way()
            return
        deadline_s = time.monotonic() + UNSEEN_S
        while time.monotonic() < deadline_s:
            if await asyncio.to_thread(_about_to_bind, life):
                break
            await asyncio.sleep(POLL_S)
        await self._give_way()
        while life.watch.phase != "ready":
            if not self._front.listens:
                bound = await asyncio.to_thread(bound_socket, life.run.leader, self._port)
                if bound:
                    await self._front.listen_on(bound)
            await asyncio.sleep(POLL_S)
        self._front.give_way()

    async def _give_way(self) -> None:
        if self._taking:
            self._taking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._taking
            self._taking = None
        self._front.give_way()

    def _notice(self) -> Notice:
        now = self._server.book.record.swap or self._swap
        old, new = now.old.served_name, now.candidates[now.tried].served_name
        steps = self._operation.snapshot.steps
        step = steps[-1].name if steps else "plan"
        life = self._server.life
        eta_s = life.watch.eta_s if life and life.run.ready_at is None else None
        when = "" if eta_s is None else f"; about {eta_s:.0f} s are left"
        message = f"{old} is being replaced by {new} (step: {step}){when}"
        return Notice(message, old, new, step, eta_s)


def _same_port(swap: Transaction) -> bool:
    where = {(one.host, one.port) for one in (swap.old, *swap.candidates)}
    return len(where) == 1


def _speaks_tls(swap: Transaction) -> bool:
    flags = [flag for one in (swap.old, *swap.candidates) for flag in one.command]
    return any(flag.startswith(("--ssl", "--uds")) for flag in flags)


def _about_to_bind(life: Life) -> bool:
    """Whether it has come to its last imports, or to its first words."""
    log_file = record.log_path(life.name)
    try:
        if log_file.stat().st_size > life.run.log_offset_bytes:
            return True
        return LAST_IMPORT in Path(f"/proc/{life.run.leader.pid}/maps").read_text()
    except OSError:
        return True
