"""The supervisor itself: all servers, the pulse, and the one page that says everything."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime

from vconsole import __version__, paths
from vconsole import settings as settings_module
from vconsole.engine.find import find_engine
from vconsole.errors import VConsoleError
from vconsole.host import systemd
from vconsole.supervisor.logs.log_keeper import LogKeeper
from vconsole.supervisor.memory.history import History
from vconsole.supervisor.memory.recorder import Recorder
from vconsole.supervisor.memory.sampler import Sampler, owned_pids
from vconsole.supervisor.model import (
    AdoptRequest,
    EngineInfo,
    ForeignServer,
    Sample,
    ServerState,
    ServerStatus,
    Status,
    SupervisorInfo,
)
from vconsole.supervisor.names import checked_name
from vconsole.supervisor.processes import process, scope, survival, tree
from vconsole.supervisor.servers import adoption, record
from vconsole.supervisor.servers.server import Server
from vconsole.supervisor.servers.states import RUNNING
from vconsole.supervisor.servers.summary import cards_of, server_status
from vconsole.supervisor.telling.event import EventKind, EventQuery, Fact, Severity
from vconsole.supervisor.telling.event_log import EventLog
from vconsole.supervisor.telling.notices import Notices
from vconsole.supervisor.telling.report import make_report
from vconsole.supervisor.telling.report_model import Report

BEAT_S = 1.0
ENGINE_LOOK_EVERY_S = 30.0
log = logging.getLogger(__name__)


class Supervisor:
    """Owns every server of this user; `changed` wakes whoever watches."""

    def __init__(self) -> None:
        self.started_at = datetime.now(UTC)
        self.version_of_state = 0
        self.leaving = asyncio.Event()
        self.stop_servers = False
        self._servers: dict[str, Server] = {}
        self._watchers: set[asyncio.Event] = set()
        self._history = History(paths.history_path())
        self.events = EventLog(self._history, self.changed)
        self._recorder = Recorder(self._history)
        self._sampler = Sampler(socket.gethostname(), self._recorder)
        self._notices = Notices(self.events)
        self._adopting = asyncio.Lock()
        self._log_keeper = LogKeeper()
        self._facts = systemd.Facts(os.geteuid())
        self._engine: EngineInfo | None = None
        self._engine_looked_s = -ENGINE_LOOK_EVERY_S

    # --- servers ---------------------------------------------------------------------------------

    def server(self, name: str) -> Server:
        """The server of that name, made on first mention."""
        if checked_name(name) not in self._servers:
            self._servers[name] = Server(name, self._history, self.events, self.changed)
        return self._servers[name]

    async def adopt_all(self) -> None:
        """Take over what earlier supervisors left running, and end what no record knows of.

        A supervisor that was killed between a spawn and its record leaves such a stray.
        """
        await self._tell_begin()
        known = [self.server(name) for name in record.recorded_names()]
        tags = frozenset(server.book.run.tag for server in known if server.book.run)
        for tag, processes in (
            await asyncio.to_thread(tree.strays, paths.state_dir(), tags)
        ).items():
            log.warning("ending %s, which no record knows: %s", tag, sorted(processes))
            cgroup = scope.cgroup_of(min(processes), tag)
            await process.end_tree(min(processes), processes, tag, 0, lambda: None, cgroup=cgroup)
        for server in known:
            await server.keeper.adopt_recorded()

    async def stop_all(self) -> None:
        """Stop every server that runs, for a shutdown that asked for it."""
        for server in self._servers.values():
            if server.life:
                server.stop(None)
        for server in self._servers.values():
            if server.operation:
                await server.operation.ended.wait()

    @property
    def owns_something(self) -> bool:
        return any(server.life or server.busy for server in self._servers.values())

    async def foreign_server(self, pid: int) -> ForeignServer:
        """The vLLM of that pid which is not ours, as it may be adopted; else why it may not."""
        return (await adoption.inspect(pid, self._owned)).shown

    async def adopt(self, name: str, request: AdoptRequest) -> ServerStatus:
        """Take over a foreign server under a free name; one at a time, so that none has two."""
        async with self._adopting:
            found = await adoption.inspect(request.pid, self._owned, request.start_ticks)
            server = self.server(name)
            await server.take_over(found)
        return server_status(server)

    @property
    def _owned(self) -> frozenset[int]:
        return owned_pids(self._servers.values())

    # --- the pulse -------------------------------------------------------------------------------

    async def beat_forever(self) -> None:
        """Read everything once a second until told to leave."""
        while not self.leaving.is_set():
            begun_s = time.monotonic()
            await self._look_for_engine()
            await self._sampler.read(list(self._servers.values()))
            self._notice()
            self._log_keeper.beat(self._servers.values())
            self._recorder.beat()
            self.events.write_soon()
            self.changed()
            await asyncio.sleep(max(0.1, BEAT_S - (time.monotonic() - begun_s)))

    def _notice(self) -> None:
        """Tell what this beat shows that was not so before."""
        now_s, sampler, owned = time.monotonic(), self._sampler, self._owned
        self._notices.cards(now_s, sampler.gpus)
        self._notices.foreign(now_s, sampler.foreign.servers(), owned)
        self._notices.strays(now_s, sampler.foreign.strays())
        self._notices.ollama(now_s, sampler.ollama.status)
        self._notices.preemptions(now_s, sampler.preemptions)

    async def _look_for_engine(self) -> None:
        if time.monotonic() - self._engine_looked_s < ENGINE_LOOK_EVERY_S:
            return
        self._engine_looked_s = time.monotonic()
        try:
            found = await asyncio.to_thread(lambda: find_engine(settings_module.load()))
        except VConsoleError as error:
            log.warning("%s", error.message)
            found = None
        self._engine = (
            EngineInfo(found.version, found.device, str(found.python), str(found.path))
            if found
            else None
        )

    async def _tell_begin(self) -> None:
        before = await self.events.find(EventQuery(kinds=(EventKind.SUPERVISOR,), limit=1))
        killed = bool(before) and before[-1].data.get("what") != "left"
        after = "; the one before it was killed" if killed else ""
        facts: dict[str, Fact] = {
            "what": "started",
            "pid": os.getpid(),
            "version": __version__,
            "killed": killed,
        }
        severity = Severity.WARNING if killed else Severity.INFO
        self.events.add(EventKind.SUPERVISOR, f"supervisor started{after}", facts, severity)

    def _tell_leaving(self) -> None:
        left = sorted(s.name for s in self._servers.values() if s.book.state in RUNNING)
        words = f"; still running: {', '.join(left)}" if left else ""
        text, facts = f"supervisor left{words}", {"what": "left", "servers": ", ".join(left)}
        self.events.add(EventKind.SUPERVISOR, text, facts)

    # --- telling ---------------------------------------------------------------------------------

    def changed(self) -> None:
        self.version_of_state += 1
        for watcher in self._watchers:
            watcher.set()

    def watch(self, watcher: asyncio.Event) -> Callable[[], None]:
        """Have `watcher` set at each change; returns what ends it."""
        self._watchers.add(watcher)
        return lambda: self._watchers.discard(watcher)

    @property
    def watched(self) -> bool:
        return bool(self._watchers)

    async def learn_outlook(self) -> None:
        """Ask systemd what a logout would do to us; needed before anybody asks us."""
        self._facts = await asyncio.to_thread(systemd.look)
        outlook = survival.of_us(self._facts)
        if outlook.survives_logout is False:
            log.warning("%s", outlook.note)

    def info(self) -> SupervisorInfo:
        outlook = survival.of_us(self._facts)
        return SupervisorInfo(
            pid=os.getpid(),
            version=__version__,
            alive=True,
            socket=str(paths.socket_path()),
            owner="systemd" if systemd.runs_us() else "user",
            started_at=self.started_at,
            survives_logout=outlook.survives_logout,
            survival_note=outlook.note,
        )

    async def history(self, name: str, seconds: float, points: int | None) -> list[Sample]:
        return await self._recorder.history(name, seconds, points)

    async def report(self, since: datetime, name: str | None) -> Report:
        """What happened since then, the last seconds among it."""
        await self._recorder.flush()
        prices = settings_module.load().prices
        history = self._history
        return await asyncio.to_thread(
            make_report, history.events, history.totals, since, name, prices
        )

    def status(self, name: str) -> Status:
        """The whole page, seen from the server `name`."""
        server = self.server(name)
        shown = [s for s in self._servers.values() if s.book.record.launch or s is server]
        operations = [s.operation.snapshot for s in self._servers.values() if s.operation]
        return Status(
            server=server_status(server),
            servers=tuple(
                server_status(s)
                for s in shown
                if s.book.record.launch or s.book.state is not ServerState.STOPPED
            ),
            metrics=self._sampler.metrics(server),
            gpus=self._sampler.gpus.gpus,
            gpu_note=self._sampler.gpus.note,
            host=self._sampler.host,
            ollama=self._sampler.ollama.status,
            foreign=self._sampler.foreign.servers(self._sampler.gpus.gpus, self._owned),
            strays=self._sampler.foreign.strays(self._sampler.gpus.gpus),
            supervisor=self.info(),
            engine=self._engine,
            operations=tuple(operations),
            smoke=server.smoke_report,
            card_memory=cards_of(server, self._sampler.gpus.gpus, self._sampler.metrics(server)),
        )

    async def close(self) -> None:
        for server in self._servers.values():
            await server.close()
        await self._sampler.close()
        await self._log_keeper.close()
        self._tell_leaving()
        await self._recorder.flush()
        await self.events.close()
        self._history.close()
