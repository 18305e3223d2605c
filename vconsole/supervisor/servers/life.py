"""One life of a server: its process tree from the spawn (or the adoption) to its end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from vconsole.engine.http.client import EngineClient
from vconsole.engine.http.protocol import ModelCard, Reply
from vconsole.engine.metrics.exposition import MetricsReader
from vconsole.engine.metrics.figures import Scrape
from vconsole.engine.metrics.rates import MetricsWindow
from vconsole.errors import VConsoleError
from vconsole.host.oom_kills import oom_kills
from vconsole.supervisor.logs.log_parts import read_live
from vconsole.supervisor.logs.logtail import LogTail
from vconsole.supervisor.processes import gpu_memory, process, scope, tree
from vconsole.supervisor.processes.gpu_memory import Release
from vconsole.supervisor.processes.portlock import lock_port
from vconsole.supervisor.processes.process import Ending
from vconsole.supervisor.processes.scope import Scoping
from vconsole.supervisor.processes.shared_socket import stop_listening
from vconsole.supervisor.servers import record
from vconsole.supervisor.servers.health import Observation
from vconsole.supervisor.servers.observing import TreeObserver
from vconsole.supervisor.servers.record import Launch, Run
from vconsole.supervisor.servers.starts import launch as launching
from vconsole.supervisor.servers.starts.starting import StartWatch
from vconsole.supervisor.servers.waiting.standby import Standby

# A beat that waited longer would look like a pause of our own to the judge of health.
METRICS_PATIENCE_S = 2.0
# The API server of a tree that we did not start is always asked alone at first.
FOREIGN_DRAIN_S = 0.1
# A scope takes systemd some 10 ms.
SCOPE_PATIENCE_S = 5.0
SCOPE_POLL_S = 0.01
LARGEST_REFUSAL_BYTES = 4 << 10
log = logging.getLogger(__name__)


class Life:
    """A running tree: `exited` is set when its API server ends, whoever started it."""

    def __init__(
        self,
        name: str,
        plan: Launch,
        run: Run,
        child: subprocess.Popen[bytes] | None,
        watch: StartWatch,
        awaits_scope: bool = False,
    ) -> None:
        self.name = name
        self.launch = plan
        self.run = run
        self.adopted = child is None
        self.watch = watch
        self.window = MetricsWindow()
        self._metrics_reader = MetricsReader()
        self.exited = asyncio.Event()
        self._observer = TreeObserver()
        given = record.readable_environment(name)
        self.api_key = given.get("VLLM_API_KEY") or os.environ.get("VLLM_API_KEY")
        self.client = EngineClient(plan.url, self.api_key)
        self._child = child
        self._awaits_scope = awaits_scope
        self._cards: frozenset[str] = frozenset()
        self._pidfd = self._follow_exit()

    @classmethod
    def spawn(
        cls,
        name: str,
        prepared: launching.PreparedLaunch,
        learned: dict[str, float],
        learned_from: int,
        scoping: Scoping | None = None,
        port_lock: socket.socket | None = None,
        standby: Standby | None = None,
    ) -> Life:
        """Start the tree; its processes are found by session, record and tag from now on.

        With a `scoping` it begins as `systemd-run`, and `settled` says how that went. A `port_lock`
        that is held already goes over to the tree. A `standby` becomes the server, if it still can.
        """
        plan, tag = prepared.launch, standby.tag if standby else f"{name}-{secrets.token_hex(6)}"
        environment = launching.server_environment(plan, prepared.given_environment, tag, name)
        log_file = record.log_path(name)
        offset = log_file.stat().st_size if log_file.exists() else 0
        with port_lock or lock_port(plan.port) as lock:
            folder = Path(plan.folder) if plan.folder else log_file.parent
            command = plan.command
            child = standby.begin(plan, environment, log_file, lock) if standby else None
            if child:
                scoping = None
            elif scoping:
                environment |= scoping.environment
                command = scoping.around(tag, f"vLLM server {name} of vconsole", command)
            inherited = (lock.fileno(),)
            child = child or process.spawn(command, environment, log_file, folder, inherited)
        leader = tree.identify(child.pid)
        if leader is None and scoping:
            _log_refusal(name, offset)
            return cls.spawn(name, prepared, learned, learned_from)
        if leader is None:
            raise VConsoleError(f"{plan.command[0]} ended at once (exit code {child.wait()})")
        run = Run(
            *(tag, tree.boot_id(), leader, datetime.now(UTC), offset, (leader,)),
            cards_before=prepared.cards_before,
            oom_kills_before=oom_kills(),
        )
        watch = StartWatch(LogTail(log_file, offset), learned, learned_from)
        return cls(name, plan, run, child, watch, awaits_scope=scoping is not None)

    @classmethod
    def adopt(cls, name: str, plan: Launch, run: Run) -> Life:
        """Take over a tree that an earlier supervisor started."""
        tail = LogTail(record.log_path(name), run.log_offset_bytes)
        return cls(name, plan, run, None, StartWatch(tail, {}, 0))

    @property
    def returncode(self) -> int | None:
        return self._child.poll() if self._child else None

    def reap(self) -> None:
        if self._child:
            self._child.poll()

    def is_alive(self) -> bool:
        self.reap()
        return tree.is_alive(self.run.leader)

    async def settled(
        self, prepared: launching.PreparedLaunch, learned: dict[str, float], learned_from: int
    ) -> Life:
        """This life once it is in its scope; where systemd refuses, another one without a scope."""
        deadline_s = time.monotonic() + SCOPE_PATIENCE_S
        while self._awaits_scope and self.is_alive() and time.monotonic() < deadline_s:
            if self.learn_tree() and self.run.cgroup:
                self._awaits_scope = False
            await asyncio.sleep(SCOPE_POLL_S)
        if not self._awaits_scope:
            return self
        _log_refusal(self.name, self.run.log_offset_bytes)
        await self.end(0)
        await self.close()
        return Life.spawn(self.name, prepared, learned, learned_from)

    def learn_tree(self) -> bool:
        """Add what joined the tree since, and its scope; whether there was anything."""
        run, known = self.run, frozenset(self.run.tree)
        cgroup = run.cgroup or scope.cgroup_of(run.leader, run.tag)
        found = tree.descendants(known) if run.foreign else tree.session_members(run.leader)
        found |= known | scope.members(cgroup, run.tag)
        if found == known and cgroup == run.cgroup:
            return False
        self.run = replace(run, tree=tuple(sorted(found)), cgroup=cgroup)
        return True

    async def until_ready(self, changed: Callable[[], None]) -> tuple[ModelCard, ...] | None:
        return await self.watch.until_ready(self.client, self.is_alive, changed)

    def begin_serving(self, cards: tuple[ModelCard, ...]) -> None:
        """Note that it is ready, how long that took, and what it says of its model."""
        now = datetime.now(UTC)
        self.run = replace(
            self.run,
            ready_at=now,
            ready_s=self._loaded_s(now),
            phases=self.watch.finish(),
            max_model_len=cards[0].max_model_len if cards else None,
            weights_bytes=self.watch.figures.weights_bytes,
            kv_cache_bytes=self.watch.figures.kv_cache_bytes,
            kv_cache_tokens=self.watch.figures.kv_cache_tokens,
        )

    def note_degraded(self, cause: str) -> None:
        """Remember that this was told of the run."""
        self.run = replace(self.run, degraded=(*self.run.degraded, cause))

    def _loaded_s(self, now: datetime) -> float:
        """By the steady clock where we saw all of it; an adopted start began before we did."""
        if not self.adopted:
            return self.watch.elapsed_s
        return max(0.0, (now - self.run.started_at).total_seconds())

    def observe(self, scrape: Scrape | None) -> Observation:
        """What can be seen of it now, for the judge of its health."""
        return self._observer.observe(self.run.leader, self.run.tree, scrape)

    async def end(self, drain_s: float | None, replaced: bool = False) -> Ending:
        """End the tree. With nothing in flight vLLM's drain is only a wait, so it is left out.

        Where somebody waits to answer in its place, it is `replaced` on the port before it drains.
        """
        drain_s = self.launch.drain_s if drain_s is None else drain_s
        if drain_s > 0 and not await self._requests_in_flight():
            drain_s = 0
        run = self.run
        if replaced and not run.foreign:
            await asyncio.to_thread(stop_listening, run.leader, self.launch.port)
        self._cards = await gpu_memory.cards_of(run)
        if run.foreign:
            drain_s = max(drain_s, FOREIGN_DRAIN_S)
        return await process.end_run(run, drain_s, self.reap)

    async def gpu_memory_released(self) -> Release:
        """Whether the cards have let go of the tree that was ended."""
        return await gpu_memory.until_released(self.run, self._cards)

    @property
    def said_sizes(self) -> tuple[int | None, int | None]:
        """Bytes of weights and of KV cache on each card, as its log said them so far."""
        run, figures = self.run, self.watch.figures
        return (
            run.weights_bytes or figures.weights_bytes,
            run.kv_cache_bytes or figures.kv_cache_bytes,
        )

    async def scrape(self) -> Scrape:
        """What `/metrics` says now."""
        return self._metrics_reader.read(await self.client.metrics(METRICS_PATIENCE_S))

    async def answers_a_token(self, limit_s: float) -> bool:
        """Whether it generates one token within `limit_s`."""
        body = {"model": self.launch.served_name, "prompt": "1", "max_tokens": 1}
        try:
            await self.client.post("/v1/completions", body, Reply, limit_s)
        except VConsoleError:
            return False
        return True

    async def close(self) -> None:
        if self._pidfd is not None:
            asyncio.get_running_loop().remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = None
        await self.client.aclose()

    async def _requests_in_flight(self) -> bool:
        if self.run.ready_at is None:
            return False
        with contextlib.suppress(VConsoleError):
            scrape = await self.scrape()
            return bool((scrape.requests_running or 0) + (scrape.requests_waiting or 0))
        return True

    def _follow_exit(self) -> int | None:
        try:
            descriptor = os.pidfd_open(self.run.leader.pid)
        except ProcessLookupError:
            self.exited.set()
            return None
        asyncio.get_running_loop().add_reader(descriptor, self._on_exit)
        return descriptor

    def _on_exit(self) -> None:
        if self._pidfd is not None:
            asyncio.get_running_loop().remove_reader(self._pidfd)
        self.reap()
        self.exited.set()


def _log_refusal(name: str, log_offset_bytes: int) -> None:
    """Tell why systemd gave no scope: its `systemd-run` wrote that where the run's log begins."""
    _, said = read_live(record.log_path(name), log_offset_bytes, LARGEST_REFUSAL_BYTES)
    why = " ".join(said.decode(errors="replace").split()) or "it does not answer"
    log.warning("%s: it starts without a scope, which systemd refused: %s", name, why)
