"""Keeps one standby beside a server that serves, where the settings want it, and hands it out."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from vconsole import settings as settings_module
from vconsole.errors import VConsoleError
from vconsole.supervisor.model import StandbyStatus
from vconsole.supervisor.servers import record
from vconsole.supervisor.servers.life import Life
from vconsole.supervisor.servers.starts import launch
from vconsole.supervisor.servers.starts.launch import PreparedLaunch
from vconsole.supervisor.servers.waiting.standby import Standby

if TYPE_CHECKING:
    from vconsole.supervisor.servers.server import Server

# What a server does first is not disturbed by seconds of imports beside it.
WAITS_S = (3.0, 30.0, 120.0)
log = logging.getLogger(__name__)


class StandbyKeeper:
    """The standby of one server; there is at most one, and none without a server."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._standby: Standby | None = None
        self._making: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        return self._standby.pid if self._standby else None

    @property
    def status(self) -> StandbyStatus | None:
        one = self._standby
        return StandbyStatus(one.pid, one.ready_s, one.memory_bytes) if one else None

    def serving(self, life: Life) -> None:
        """The server is ready: have a standby made for what follows it, where one is wanted."""
        if self._standby or life.run.foreign or life.launch.command[1:2] != ("serve",):
            return
        if settings_module.load().server.standby:
            self._making = asyncio.create_task(self._make(life))

    async def take(self, prepared: PreparedLaunch) -> Standby | None:
        """The standby for this start; None where the start has to be a cold one."""
        await self._stop_making()
        found, self._standby = self._standby, None
        if found is None:
            return None
        plan, given = prepared.launch, prepared.given_environment
        wanted = launch.server_environment(plan, given, found.tag, self._server.name)
        if why := found.refuses(prepared, wanted):
            log.info("%s: a cold start: %s", self._server.name, why)
            await found.close()
            return None
        return found

    async def close(self) -> None:
        """End it; nothing of it stays."""
        await self._stop_making()
        if self._standby:
            await self._standby.close()
            self._standby = None

    async def _make(self, life: Life) -> None:
        """Try some times: what a busy machine refuses now it may grant later."""
        for wait_s in WAITS_S:
            await asyncio.sleep(wait_s)
            try:
                why = await self._made(life)
            except VConsoleError as error:
                why = error.message
            self._server.changed()
            if why is None:
                return
            log.warning("%s: no standby: %s", self._server.name, why)

    async def _made(self, life: Life) -> str | None:
        """Have one that waits; else why not."""
        given = await asyncio.to_thread(record.load_environment, self._server.name)
        made = self._standby = Standby.spawn(self._server.name, life.launch, given)
        if await made.until_ready():
            return None
        self._standby = None
        await made.close()
        return made.odd or "it ended"

    async def _stop_making(self) -> None:
        if self._making:
            self._making.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._making
            self._making = None
