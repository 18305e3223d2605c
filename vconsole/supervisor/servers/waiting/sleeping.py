"""The sleeping models of one server: put asleep by a swap instead of ended, woken by one back.

A sleeper's processes live on without a port, its weights in host memory. It is in the record, so
that a later supervisor finds it. Whatever is odd about it, it is ended and the start is a cold one.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from vconsole import paths
from vconsole import settings as settings_module
from vconsole.engine.command.sleep import SLEEPING_DEVICES, may_sleep
from vconsole.engine.http.sleep_client import SleepClient
from vconsole.errors import VConsoleError
from vconsole.supervisor.model import Desired, ServerState, SleeperStatus
from vconsole.supervisor.processes import process, shared_socket, tree
from vconsole.supervisor.servers import record
from vconsole.supervisor.servers.life import Life
from vconsole.supervisor.servers.operations import RunningOperation
from vconsole.supervisor.servers.record import Holding, Launch, Run, Sleeper
from vconsole.supervisor.servers.starts.launch import PreparedLaunch, sleep_socket
from vconsole.supervisor.servers.waiting import sleep_checks

if TYPE_CHECKING:
    from vconsole.supervisor.servers.server import Server

GIB = 2**30
# So long after it fell asleep it is looked at again.
SETTLES = timedelta(seconds=10)
S = ServerState
log = logging.getLogger(__name__)


class Sleepers:
    """Those of one server, the oldest first; they live only as long as the server is wanted."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._lives: dict[str, Life] = {}

    @property
    def all(self) -> tuple[Sleeper, ...]:
        return self._server.book.record.sleepers

    @property
    def runs(self) -> tuple[Run, ...]:
        return tuple(one.run for one in self.all)

    @property
    def status(self) -> tuple[SleeperStatus, ...]:
        return tuple(map(_status, self.all))

    def find(self, asked: PreparedLaunch) -> Sleeper | None:
        """The sleeper that a start of `asked` may be instead: the same in all but its plan."""
        for one in self.all:
            same = _identity(one.launch) == _identity(asked.launch)
            if same and one.given == _digest(asked.given_environment):
                return one if tree.is_alive(one.run.leader) else None
        return None

    def port_lock(self, port: int) -> socket.socket | None:
        """The lock of `port` where a sleeper has it: whoever serves there meanwhile needs it."""
        for one in self.all:
            if one.launch.port == port:
                return shared_socket.port_lock_of(one.run.leader, port)
        return None

    # --- to sleep --------------------------------------------------------------------------------

    async def put(
        self,
        operation: RunningOperation,
        drain_s: float | None,
        port_taken: Callable[[], Awaitable[None]],
        coming: Sleeper | None,
    ) -> bool:
        """Put the server's life asleep instead of ending it; False where it has to be ended.

        `coming` is the sleeper that is about to be woken in its place, if any. On True the server
        is `asleep`, and its port is answered for.
        """
        life = self._server.life
        wanted = settings_module.load().server.sleeping_models > 0
        if not (life and wanted and may_sleep(life.launch.command)) or life.run.foreign:
            return False
        try:
            with operation.step("drain and sleep", life.launch.served_name) as told:
                begun_s = time.monotonic()
                sleeper = await self._fall_asleep(life, drain_s, coming)
                told(f"{sleeper.asleep.host_bytes / GIB:.1f} GiB in memory")
            with operation.step("port free"):
                await port_taken()
        except VConsoleError as error:
            self._server.teller.no_sleep(life.launch.served_name, error.message)
            return False
        self._lives[life.run.tag] = life
        self._server.life = None
        cause = f"{life.launch.served_name} sleeps after {time.monotonic() - begun_s:.1f} s"
        everybody = (*self.all, sleeper)
        await self._server.book.enter(S.ASLEEP, cause, run=None, sleepers=everybody)
        return True

    async def _fall_asleep(
        self, life: Life, drain_s: float | None, coming: Sleeper | None
    ) -> Sleeper:
        plan, run = life.launch, life.run
        given = record.load_environment(self._server.name)
        async with self._client(plan, run, given) as client:
            if await client.is_sleeping():
                # A supervisor that was killed in the midst of this left it so.
                await client.wake()
            awake = await self._holding(run)
            await self._make_room(plan, run, awake, coming)
            unfinished = await client.release_port(plan.drain_s if drain_s is None else drain_s)
            if unfinished:
                raise VConsoleError(f"{unfinished} requests are in flight still")
            said = await client.says(plan.served_name)
            await client.sleep()
        asleep = await sleep_checks.until_freed(run, awake, lambda: self._holding(run))
        return Sleeper(plan, run, datetime.now(UTC), said, _digest(given), awake, asleep)

    async def _make_room(
        self, plan: Launch, run: Run, awake: Holding, coming: Sleeper | None
    ) -> None:
        """End the oldest until number and memory allow one more; an error where they never do."""
        wanted = settings_module.load().server
        on_cards = plan.engine_device in SLEEPING_DEVICES
        # Weights come over from a card. Without one all of it is in memory as it is, and only a
        # start, not another's wake, wants as much again.
        starts = 0 if coming else awake.host_bytes
        added = (run.weights_bytes or 0) if on_cards else starts
        will_hold = awake.host_bytes + (added if on_cards else 0)
        while True:
            others = self._without(coming) if coming else self.all
            held = sum(one.asleep.host_bytes for one in others) + will_hold
            fits = not wanted.sleeping_bytes or held <= wanted.sleeping_bytes
            if (
                len(others) < wanted.sleeping_models
                and fits
                and added <= sleep_checks.host_room_bytes()
            ):
                return
            if not others:
                raise VConsoleError(f"no room in memory for {will_hold / GIB:.1f} GiB more")
            await self._end(others[0], "it makes way to another")

    # --- awake -----------------------------------------------------------------------------------

    async def wake(
        self,
        operation: RunningOperation,
        prepared: PreparedLaunch,
        words: str,
        give_way: Callable[[], Awaitable[None]],
    ) -> bool:
        """Wake whoever sleeps as `prepared`; False where the start has to be a cold one."""
        sleeper = self.find(prepared)
        if sleeper is None:
            return False
        begun_s = time.monotonic()
        try:
            with operation.step(f"{words}wake", sleeper.launch.served_name):
                await self._wake(sleeper, prepared.given_environment, give_way)
        except VConsoleError as error:
            self._server.teller.no_wake(sleeper.launch.served_name, error.message)
            await self._end(sleeper, "it did not wake as it was")
            return False
        await self._serve_again(sleeper, prepared, f"woken in {time.monotonic() - begun_s:.1f} s")
        return True

    async def _wake(
        self, sleeper: Sleeper, given: dict[str, str], give_way: Callable[[], Awaitable[None]]
    ) -> None:
        """Awake and proved before anybody can ask it."""
        async with self._client(sleeper.launch, sleeper.run, given) as client:
            await client.wake()
            now = await client.says(sleeper.launch.served_name)
            sleep_checks.require_same_answer(sleeper.said, now)
            sleep_checks.require_as_before(sleeper.awake, await self._holding(sleeper.run))
            await give_way()
            await client.take_port()

    async def _serve_again(self, sleeper: Sleeper, prepared: PreparedLaunch, cause: str) -> None:
        server = self._server
        given = prepared.given_environment
        await asyncio.to_thread(record.save_environment, server.name, given)
        life = self._lives.pop(sleeper.run.tag, None)
        life = server.life = life or Life.adopt(server.name, sleeper.launch, sleeper.run)
        await server.book.enter(
            S.READY,
            f"{cause}; it answers as before it slept",
            desired=Desired.RUNNING,
            launch=sleeper.launch,
            run=life.run,
            last_failure=None,
            sleepers=self._without(sleeper),
        )
        server.keeper.watch(life)
        server.standbys.serving(life)

    # --- the end ---------------------------------------------------------------------------------

    async def make_way(self) -> bool:
        """End all of them, for a start that memory did not suffice for; whether there were any."""
        found = self.all
        for one in found:
            await self._end(one, "memory is needed for a start")
        return bool(found)

    async def close(self) -> None:
        """A stop: nothing of them stays."""
        for one in self.all:
            await self._end(one, "the server is stopped")

    async def tend(self) -> None:
        """Forget who died in its sleep; learn what the others hold once the cards tell of it."""
        for one in self.all:
            if datetime.now(UTC) - one.since < SETTLES:
                await self._look_again(one)
        for one in self.all:
            life = self._lives.get(one.run.tag)
            if life:
                life.reap()
            if not tree.is_alive(one.run.leader):
                await self._end(one, "it died in its sleep")

    async def _look_again(self, one: Sleeper) -> None:
        """The reading that a sleep was judged by may be of its middle: NVML is asked once a second.

        Seen on an H200: 117 GiB of the card were told of a model that held 2.
        """
        now = await self._holding(one.run)
        if sleep_checks.differs(one.asleep, now):
            seen = replace(one, asleep=now)
            everybody = (seen if other is one else other for other in self.all)
            await self._server.book.note(sleepers=tuple(everybody))

    async def adopt(self) -> None:
        """What an earlier supervisor put asleep stays so, unless the machine was restarted."""
        here = [one for one in self.all if one.run.boot_id == tree.boot_id()]
        if len(here) < len(self.all):
            await self._server.book.note(sleepers=tuple(here))
        await self.tend()

    async def _end(self, sleeper: Sleeper, why: str) -> None:
        life = self._lives.pop(sleeper.run.tag, None)
        ending = await process.end_run(sleeper.run, 0, life.reap if life else lambda: None)
        if life:
            await life.close()
        if ending.survivors:
            left = process.describe(ending.survivors)
            log.error("%s: a sleeper would not end: %s", self._server.name, left)
        self._socket(sleeper.run).unlink(missing_ok=True)
        self._server.teller.sleep_ended(sleeper.launch.served_name, why)
        await self._server.book.note(sleepers=self._without(sleeper))

    def clear_sockets(self) -> None:
        """Remove the private sockets of whoever does not sleep, when nobody else runs."""
        kept = {self._socket(run) for run in self.runs}
        for found in paths.server_dir(self._server.name).glob("*.sock"):
            if found not in kept:
                found.unlink(missing_ok=True)

    # --- what it needs ---------------------------------------------------------------------------

    def _without(self, sleeper: Sleeper) -> tuple[Sleeper, ...]:
        return tuple(one for one in self.all if one.run.tag != sleeper.run.tag)

    def _socket(self, run: Run) -> Path:
        return sleep_socket(self._server.name, run.tag)

    def _client(self, plan: Launch, run: Run, given: dict[str, str]) -> SleepClient:
        key = given.get("VLLM_API_KEY") or os.environ.get("VLLM_API_KEY")
        return SleepClient(self._socket(run), plan.url, key)

    async def _holding(self, run: Run) -> Holding:
        reading, _ = await self._server.machine()
        on_cards = bool(run.cards_before)
        pids = frozenset(one.pid for one in tree.living(frozenset(run.tree)))
        return await asyncio.to_thread(sleep_checks.holding, pids, reading, on_cards)


def _identity(plan: Launch) -> Launch:
    """What two launches have in common that differ in nothing but their plans."""
    return replace(
        plan,
        flags=plan.flags[: len(plan.flags) - len(plan.planned_flags)],
        command=plan.command[:1],
        plan=None,
        planned_flags=(),
        card=None,
        warnings=(),
        drain_s=0,
    )


def _digest(given: dict[str, str]) -> str:
    """Of variables that may be secrets: the record holds no others."""
    return hashlib.sha256(msgspec.json.encode(sorted(given.items()))).hexdigest()


def _status(one: Sleeper) -> SleeperStatus:
    return SleeperStatus(
        model=one.launch.model,
        served_name=one.launch.served_name,
        pid=one.run.leader.pid,
        since=one.since,
        profile=one.launch.profile,
        memory_bytes=one.asleep.host_bytes,
        card_bytes=one.asleep.card_bytes,
    )
