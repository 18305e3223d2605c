"""The pulse's part in keeping logs within bounds: it begins a look and never waits for it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterable
from functools import partial

from vconsole.supervisor.logs.log_secrets import redactor_of
from vconsole.supervisor.logs.rotation import Rotation, log_limits
from vconsole.supervisor.servers import record
from vconsole.supervisor.servers.server import Server

LOOK_EVERY_S = 5.0


class LogKeeper:
    """Rotates the logs of all servers, one after the other, in a thread."""

    def __init__(self) -> None:
        self._rotations: dict[str, Rotation] = {}
        self._told: dict[str, str | None] = {}
        self._leaving = threading.Event()
        self._look: asyncio.Task[None] | None = None
        self._next_s = 0.0

    def beat(self, servers: Iterable[Server]) -> None:
        """Begin a look where one is due and none is under way."""
        if time.monotonic() < self._next_s or (self._look and not self._look.done()):
            return
        self._next_s = time.monotonic() + LOOK_EVERY_S
        self._look = asyncio.create_task(self._look_and_tell(tuple(servers)))

    async def close(self) -> None:
        """Cut a look short and wait for its end."""
        self._leaving.set()
        if self._look:
            await self._look

    async def _look_and_tell(self, servers: tuple[Server, ...]) -> None:
        ready = {s.name: bool(s.life and s.life.run.ready_at) for s in servers}
        await asyncio.to_thread(self._look_at, ready)
        for server in servers:
            problem = self._rotations[server.name].problem
            if problem != self._told.get(server.name):
                self._told[server.name] = problem
                server.teller.log_problem(problem)

    def _look_at(self, ready: dict[str, bool]) -> None:
        limits = log_limits()
        for name, is_ready in ready.items():
            if (rotation := self._rotations.get(name)) is None:
                path = record.log_path(name)
                rotation = Rotation(path, partial(redactor_of, path), self._leaving)
                self._rotations[name] = rotation
            rotation.look(limits, is_ready)
