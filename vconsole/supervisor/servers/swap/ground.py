"""All that a swap can do beforehand, while the old server serves: plan, read ahead, wait.

An error in any of it leaves the old server as it was.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from vconsole.errors import VConsoleError
from vconsole.host.page_cache import read_ahead
from vconsole.host.readings import Gpu, GpuReading, Host
from vconsole.models.on_disk import folder_of, weight_files
from vconsole.supervisor.servers.life import Life
from vconsole.supervisor.servers.operations import RunningOperation
from vconsole.supervisor.servers.starts import launch, planning
from vconsole.supervisor.servers.starts.judgement import Judge
from vconsole.supervisor.servers.starts.launch import PreparedLaunch
from vconsole.supervisor.servers.starts.succession import Chain, is_on_disk, smaller_may_help
from vconsole.supervisor.servers.swap.work import Pull

if TYPE_CHECKING:
    from vconsole.supervisor.servers.server import Server

IDLE_POLL_S = 0.5
GIB = 2**30


class Ground:
    """The preparations of one swap of `server`, whose `old` life serves meanwhile."""

    def __init__(self, server: Server, old: Life, operation: RunningOperation) -> None:
        self._server = server
        self._old = old
        self._operation = operation

    async def fetch(self, chain: Chain, pull: Pull) -> None:
        """Have what is asked for on this disk, while the old one serves.

        What would be too big is not fetched: that is an error, or left to the plan where there is
        something to fall back to.
        """
        asked, model = chain[0], chain[0].launch.model
        if await asyncio.to_thread(is_on_disk, asked):
            return
        try:
            await self._refuse_hopeless(asked)
        except VConsoleError:
            if len(chain) > 1:
                return
            raise
        with self._operation.step("pull", model):
            await pull(model, {**os.environ, **asked.given_environment})

    async def _refuse_hopeless(self, asked: PreparedLaunch) -> None:
        machine = await self._machine_without_old()
        with _remedies_of_a_swap():
            await asyncio.to_thread(planning.refuse_hopeless, asked, *machine)

    async def plan(self, chain: Chain) -> Chain:
        """Those of the chain that can be served, with the flags of their plans; none raises.

        What the old server holds counts as free: it will be, by then. What is asked for makes way
        to a fallback only where memory is the reason.
        """
        with self._operation.step("plan", chain[0].launch.served_name):
            judge = Judge(self._server.book, self._machine_without_old)
            usable, refused = [], None
            for asked in chain:
                try:
                    usable.append(await self._planned(asked, judge))
                except VConsoleError as error:
                    if not usable and refused is None and not smaller_may_help(error.kind):
                        raise
                    refused = refused or error
            if not usable and refused:
                raise refused
        return self._told_of_fallback(chain, tuple(usable), refused)

    def _told_of_fallback(
        self, chain: Chain, usable: Chain, refused: VConsoleError | None
    ) -> Chain:
        asked, chosen = chain[0].launch, usable[0].launch
        if refused and chosen.model != asked.model:
            names = asked.served_name, chosen.served_name
            self._operation.falls_back(self._server.teller.falls_back(*names, refused.message))
        return usable

    async def _planned(self, asked: PreparedLaunch, judge: Judge) -> PreparedLaunch:
        if sleeper := self._server.sleepers.find(asked):
            return replace(asked, launch=sleeper.launch)
        plan, old = asked.launch, self._old.launch
        if (plan.host, plan.port) != (old.host, old.port):
            launch.refuse_taken_port(plan.host, plan.port)
        if not await asyncio.to_thread(is_on_disk, asked):
            await self._refuse_hopeless(asked)
            raise VConsoleError(f"{plan.model} is not on this disk", kind="not_on_disk")
        with _remedies_of_a_swap():
            return await judge.before(self._operation, asked)

    async def _machine_without_old(self) -> tuple[GpuReading, Host]:
        reading, host = await self._server.machine()
        return await asyncio.to_thread(without, self._old, reading, host)

    async def read_ahead(self, prepared: PreparedLaunch) -> None:
        """Weights into the page cache, as far as memory allows; never a reason to fail."""
        stop = threading.Event()
        with self._operation.step("read ahead") as told:
            folder = await asyncio.to_thread(_folder, prepared)
            files = await asyncio.to_thread(weight_files, folder) if folder else ()
            try:
                seen = await asyncio.to_thread(read_ahead, files, stop)
            finally:
                stop.set()
            told(f"{seen.read_bytes / GIB:.2f} of {seen.total_bytes / GIB:.2f} GiB")

    async def until_idle(self, has_jobs: Callable[[], bool]) -> None:
        """Wait, for as long as it takes, until nothing is in flight or the old one has ended.

        A job is at work between two of its requests, too.
        """
        with self._operation.step("wait until idle"):
            await self._until_nothing_in_flight(None)
            while has_jobs() and not self._old.exited.is_set():
                await asyncio.sleep(IDLE_POLL_S)
                await self._until_nothing_in_flight(None)

    async def let_finish(self, drain_s: float) -> None:
        """Give what is in flight the seconds that exceed vLLM's own drain, which its flag fixed."""
        extra_s = drain_s - self._old.launch.drain_s
        if extra_s <= 0 or not await self._in_flight():
            return
        with self._operation.step("drain"):
            await self._until_nothing_in_flight(time.monotonic() + extra_s)

    async def _until_nothing_in_flight(self, deadline_s: float | None) -> None:
        while not self._old.exited.is_set() and await self._in_flight():
            if deadline_s is not None and time.monotonic() > deadline_s:
                return
            await asyncio.sleep(IDLE_POLL_S)

    async def _in_flight(self) -> bool:
        """What cannot be told counts as in flight: the end of the old one would cut it off."""
        try:
            scrape = await self._old.scrape()
        except VConsoleError:
            return True
        return bool((scrape.requests_running or 0) + (scrape.requests_waiting or 0))


@contextmanager
def _remedies_of_a_swap() -> Iterator[None]:
    """What is too big names options of a start, which a swap does not have."""
    try:
        yield
    except VConsoleError as error:
        if error.kind != "too_big":
            raise
        remedy = "choose a smaller or quantised model, or other flags behind `--`"
        raise VConsoleError(error.message, remedy, error.exit_code, error.kind) from error


def without(old: Life, reading: GpuReading, host: Host) -> tuple[GpuReading, Host]:
    """The machine as it will be when the tree of `old` is gone."""
    pids = frozenset(process.pid for process in old.run.tree)
    freed_bytes = sum(map(_resident_bytes, pids))
    available, total = host.memory_available_bytes, host.memory_total_bytes
    if available is not None and total is not None:
        host = replace(host, memory_available_bytes=min(total, available + freed_bytes))
    gpus = tuple(_without(gpu, pids) for gpu in reading.gpus)
    return replace(reading, gpus=gpus), host


def _without(gpu: Gpu, pids: Iterable[int]) -> Gpu:
    ours = [process for process in gpu.processes if process.pid in pids]
    freed_bytes = sum(process.memory_bytes or 0 for process in ours)
    free, used = gpu.memory_free_bytes, gpu.memory_used_bytes
    return replace(
        gpu,
        processes=tuple(process for process in gpu.processes if process not in ours),
        memory_free_bytes=None if free is None else free + freed_bytes,
        memory_used_bytes=None if used is None else max(0, used - freed_bytes),
    )


def _resident_bytes(pid: int) -> int:
    """What its end gives back: memory of its own, not what it shares."""
    try:
        memory = psutil.Process(pid).memory_info()
    except psutil.Error:
        return 0
    return int(max(0, memory.rss - memory.shared))


def _folder(prepared: PreparedLaunch) -> Path | None:
    environment = {**os.environ, **prepared.given_environment}
    return folder_of(prepared.launch.model, environment)
