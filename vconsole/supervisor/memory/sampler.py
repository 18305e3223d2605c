"""The supervisor's pulse: once a second every server, the cards and the machine are read."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from vconsole import paths
from vconsole.engine.metrics.figures import Metrics, Scrape
from vconsole.errors import VConsoleError
from vconsole.host.gpu import GpuReader
from vconsole.host.machine import read_host
from vconsole.host.readings import GpuReading, Host
from vconsole.supervisor.memory.lengths import LengthsLog
from vconsole.supervisor.memory.power import PowerWindow
from vconsole.supervisor.memory.recorder import Recorder
from vconsole.supervisor.memory.sampling import sample_of, with_efficiency
from vconsole.supervisor.ollama.watch import OllamaWatch
from vconsole.supervisor.processes import tree
from vconsole.supervisor.processes.foreign import ForeignWatch
from vconsole.supervisor.servers.life import Life
from vconsole.supervisor.servers.server import Server
from vconsole.supervisor.servers.summary import gpus_of
from vconsole.supervisor.telling.promises import Promises


class Sampler:
    """Latest readings; what has to be remembered of them goes to the recorder.

    `measures` says whether a bench of ours is at work on a server.
    """

    def __init__(
        self,
        hostname: str,
        recorder: Recorder,
        promises: Promises,
        measures: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self.gpus = GpuReading()
        self.host = Host()
        self.foreign = ForeignWatch()
        self.ollama = OllamaWatch()
        self.preemptions: dict[str, float] = {}
        self._hostname = hostname
        self._recorder = recorder
        self._promises = promises
        self._reader = GpuReader()
        self._power = PowerWindow()
        self._measures = measures
        self._lengths = LengthsLog()

    async def read(self, servers: list[Server]) -> None:
        """One beat: no reading waits for another, and none raises."""
        self.foreign.look_if_due(owned_pids(servers))
        self.ollama.look_if_due()
        await asyncio.gather(self._read_machine(servers), *(self._read_server(s) for s in servers))
        await self._lengths.write_if_due()

    async def machine(self) -> tuple[GpuReading, Host]:
        """Cards and memory as last read; read now where nothing was."""
        if self.host.memory_total_bytes is None:
            await self._read_machine([])
        return self.gpus, self.host

    def metrics(self, server: Server) -> Metrics | None:
        found = server.life.window.metrics(time.monotonic()) if server.life else None
        if found is None:
            return None
        return with_efficiency(found, self._power.mean_w(gpus_of(server, self.gpus.gpus)))

    async def close(self) -> None:
        await self.foreign.close()
        await self.ollama.close()
        await self._lengths.write()
        self._reader.close()

    async def _read_machine(self, servers: list[Server]) -> None:
        owned, foreign = owned_pids(servers), self.foreign.pids
        self.gpus = await asyncio.to_thread(self._reader.read, owned, foreign)
        self.host = await asyncio.to_thread(read_host, paths.state_dir(), self._hostname)
        self._power.add(time.monotonic(), self.gpus.gpus)
        self._recorder.draw(self.gpus.gpus)

    async def _read_server(self, server: Server) -> None:
        life = server.life
        if life is None:
            return
        await server.refresh_tree()
        if life.run.ready_at is None:
            return
        scrape = await self._scrape(life)
        await server.keeper.judge(life, scrape)
        await server.degradations.look(life)
        if scrape is None:
            return
        now_s = time.monotonic()
        life.window.add(now_s, scrape)
        if scrape.preemptions is not None:
            self.preemptions[server.name] = scrape.preemptions
        targets = self._promises.of(life.launch.profile)
        self._recorder.tally(server.name, life.run.tag, scrape, targets, foreign=life.run.foreign)
        counted, foreign = not self._measures(server.name), life.run.foreign
        self._lengths.take(server.name, life.run.tag, scrape, counted=counted, foreign=foreign)
        metrics = life.window.metrics(now_s)
        if metrics is not None:
            gpus = gpus_of(server, self.gpus.gpus)
            self._recorder.keep(server.name, sample_of(datetime.now(UTC), metrics, gpus))

    async def _scrape(self, life: Life) -> Scrape | None:
        try:
            return await life.scrape()
        except VConsoleError:
            return None


def owned_pids(servers: Iterable[Server]) -> frozenset[int]:
    """Every process that is known to belong to one of our servers."""
    pids = set[int]()
    for server in servers:
        pids |= {process.pid for process in tree.living(server.book.record.survivors)}
        pids |= {process.pid for process in server.life.run.tree} if server.life else set()
        pids |= {pid for pid in (server.standbys.pid,) if pid is not None}
        pids |= {process.pid for run in server.sleepers.runs for process in run.tree}
    return frozenset(pids)
