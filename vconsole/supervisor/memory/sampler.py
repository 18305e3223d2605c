"""The supervisor's pulse: once a second every server, the cards and the machine are read."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from datetime import UTC, datetime

from vconsole import paths
from vconsole.engine.metrics import Metrics, Scrape
from vconsole.errors import VConsoleError
from vconsole.host.gpu import GpuReader
from vconsole.host.machine import read_host
from vconsole.host.readings import GpuReading, Host
from vconsole.supervisor.memory.recorder import Recorder
from vconsole.supervisor.model import Sample
from vconsole.supervisor.processes import tree
from vconsole.supervisor.processes.foreign import ForeignWatch
from vconsole.supervisor.servers.life import Life
from vconsole.supervisor.servers.server import Server
from vconsole.supervisor.telling.ollama_watch import OllamaWatch


class Sampler:
    """Latest readings; what has to be remembered of them goes to the recorder."""

    def __init__(self, hostname: str, recorder: Recorder) -> None:
        self.gpus = GpuReading()
        self.host = Host()
        self.foreign = ForeignWatch()
        self.ollama = OllamaWatch()
        self.preemptions: dict[str, float] = {}
        self._hostname = hostname
        self._recorder = recorder
        self._reader = GpuReader()

    async def read(self, servers: list[Server]) -> None:
        """One beat: no reading waits for another, and none raises."""
        self.foreign.look_if_due(owned_pids(servers))
        self.ollama.look_if_due()
        await asyncio.gather(self._read_machine(servers), *(self._read_server(s) for s in servers))

    def metrics(self, server: Server) -> Metrics | None:
        return server.life.window.metrics(time.monotonic()) if server.life else None

    async def close(self) -> None:
        await self.foreign.close()
        await self.ollama.close()
        self._reader.close()

    async def _read_machine(self, servers: list[Server]) -> None:
        owned, foreign = owned_pids(servers), self.foreign.pids
        self.gpus = await asyncio.to_thread(self._reader.read, owned, foreign)
        self.host = await asyncio.to_thread(read_host, paths.state_dir(), self._hostname)
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
        if scrape is None:
            return
        now_s = time.monotonic()
        life.window.add(now_s, scrape)
        if scrape.preemptions is not None:
            self.preemptions[server.name] = scrape.preemptions
        self._recorder.tally(server.name, life.run.tag, scrape, foreign=life.run.foreign)
        self._keep(server.name, life.window.metrics(now_s))

    async def _scrape(self, life: Life) -> Scrape | None:
        try:
            return await life.scrape()
        except VConsoleError:
            return None

    def _keep(self, name: str, metrics: Metrics | None) -> None:
        if metrics is None:
            return
        sample = Sample(
            at=datetime.now(UTC),
            requests_running=metrics.requests_running,
            requests_waiting=metrics.requests_waiting,
            kv_cache_usage=metrics.kv_cache_usage,
            generation_tokens_per_s=metrics.generation_tokens_per_s,
            prompt_tokens_per_s=metrics.prompt_tokens_per_s,
            requests_per_s=metrics.requests_per_s,
        )
        self._recorder.keep(name, sample)


def owned_pids(servers: Iterable[Server]) -> frozenset[int]:
    """Every process that is known to belong to one of our servers."""
    pids = set[int]()
    for server in servers:
        pids |= {process.pid for process in tree.living(server.book.record.survivors)}
        pids |= {process.pid for process in server.life.run.tree} if server.life else set()
    return frozenset(pids)
