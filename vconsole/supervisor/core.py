"""The supervisor itself: all servers, the pulse, and the one page that says everything."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from vconsole import __version__, paths
from vconsole import settings as settings_module
from vconsole.errors import ExitCode, VConsoleError
from vconsole.host import systemd
from vconsole.supervisor.advice import advise
from vconsole.supervisor.engine_watch import EngineWatch
from vconsole.supervisor.jobs.jobs import Jobs
from vconsole.supervisor.jobs.model import as_job
from vconsole.supervisor.logs.log_keeper import LogKeeper
from vconsole.supervisor.memory.history import History
from vconsole.supervisor.memory.recorder import Recorder
from vconsole.supervisor.memory.sampler import Sampler, owned_pids
from vconsole.supervisor.model import (
    AdoptRequest,
    ForeignServer,
    Sample,
    ServerState,
    ServerStatus,
    Status,
    SupervisorInfo,
)
from vconsole.supervisor.models.pulls import Pulls
from vconsole.supervisor.names import checked_name
from vconsole.supervisor.ollama.desk import Desk
from vconsole.supervisor.peers import group_name, shared_group
from vconsole.supervisor.processes import process, scope, survival, tree
from vconsole.supervisor.servers import adoption, record
from vconsole.supervisor.servers.server import Server
from vconsole.supervisor.servers.states import RUNNING
from vconsole.supervisor.servers.summary import cards_of, gpus_of, server_status
from vconsole.supervisor.telling.attendance import Attendance
from vconsole.supervisor.telling.cost import Cost
from vconsole.supervisor.telling.costs import job_cost, spent
from vconsole.supervisor.telling.event import EventKind, EventQuery, Fact, Severity
from vconsole.supervisor.telling.event_log import EventLog
from vconsole.supervisor.telling.notices import Notices
from vconsole.supervisor.telling.promises import Promises
from vconsole.supervisor.telling.report import make_report
from vconsole.supervisor.telling.report_model import Report

BEAT_S = 1.0
log = logging.getLogger(__name__)


class Supervisor:
    """Owns every server of this user; `changed` wakes whoever watches."""

    def __init__(self, is_service: bool = False) -> None:
        self.is_service = is_service
        self.shared_with = shared_group()
        self.beats = 0
        self.started_at = datetime.now(UTC)
        self.version_of_state = 0
        self.leaving = asyncio.Event()
        self.stop_servers = False
        self._stopped_by_signal = False
        self._servers: dict[str, Server] = {}
        self._watchers: set[asyncio.Event] = set()
        self._history = History(paths.history_path())
        self.events = EventLog(self._history, self.changed)
        self.attendance = Attendance(paths.attended_path())
        self.jobs = Jobs(self.server, self.events, self.changed)
        self._recorder = Recorder(self._history)
        self._promises = Promises(self._history.levels)
        self._sampler = Sampler(
            socket.gethostname(), self._recorder, self._promises, self.jobs.measures
        )
        self._notices = Notices(self.events)
        self.ollama = Desk(
            self.events, lambda: self._sampler.gpus, lambda: self._sampler.ollama.since_at
        )
        self.pulls = Pulls(self.events, self.changed)
        self._adopting = asyncio.Lock()
        self._log_keeper = LogKeeper()
        self._facts = systemd.Facts(os.geteuid())
        self._engine = EngineWatch()

    # --- servers ---------------------------------------------------------------------------------

    def server(self, name: str) -> Server:
        """The server of that name, made on first mention."""
        if checked_name(name) not in self._servers:
            made = Server(name, self._history, self.events, self.changed, self._sampler.machine)
            made.swapper.jobs_on, made.swapper.pull = self.jobs.at_work_on, self.pulls.to_the_end
            self._servers[name] = made
        return self._servers[name]

    async def adopt_all(self) -> None:
        """Take over what earlier supervisors left running, and end what no record knows of.

        A supervisor that was killed between a spawn and its record leaves such a stray.
        """
        await self._tell_begin()
        self.pulls.adopt()
        known = [self.server(name) for name in record.recorded_names()]
        tags = frozenset(server.book.run.tag for server in known if server.book.run)
        tags |= {run.tag for server in known for run in server.sleepers.runs}
        tags |= self.jobs.tags
        for tag, processes in (
            await asyncio.to_thread(tree.strays, paths.state_dir(), tags)
        ).items():
            log.warning("ending %s, which no record knows: %s", tag, sorted(processes))
            cgroup = scope.cgroup_of(min(processes), tag)
            await process.end_tree(min(processes), processes, tag, 0, lambda: None, cgroup=cgroup)
        for server in known:
            await server.keeper.adopt_recorded()
        self.jobs.adopt_all()

    async def stop_all(self) -> None:
        """Stop every server that runs, for a shutdown that asked for it.

        What a service serves stays wanted, so that the next boot brings it back.
        """
        for server in self._servers.values():
            if server.life or server.sleepers.all:
                server.stop(None, still_wanted=self._stopped_by_signal)
        for server in self._servers.values():
            if server.operation:
                await server.operation.ended.wait()

    def told_to_leave(self) -> None:
        """By a signal: a service ends with what it serves, another supervisor leaves alone."""
        if self.is_service and not self.leaving.is_set():
            self.stop_servers = self._stopped_by_signal = True
        self.leaving.set()

    @property
    def stays(self) -> bool:
        """Whether having nothing to do is no reason to leave."""
        return self.is_service or systemd.runs_us()

    async def forget(self, server: Server) -> ServerStatus:
        """Remove every trace of a server that does not run; its history stays."""
        if server.life or server.busy or server.sleepers.all:
            raise VConsoleError(
                f"{server.name} runs, so it is not forgotten",
                f"stop it first: vconsole stop --name {server.name}",
                ExitCode.REFUSED,
                kind="running",
            )
        was = server_status(server)
        del self._servers[server.name]
        await asyncio.to_thread(shutil.rmtree, paths.server_dir(server.name), True)
        self.changed()
        return was

    @property
    def owns_something(self) -> bool:
        owned = any(s.life or s.busy or s.sleepers.all for s in self._servers.values())
        return owned or self.pulls.running or self.jobs.busy

    def models_in_use(self) -> dict[str, str]:
        """What each server with a process serves, by the server's name."""
        living = [s for s in self._servers.values() if s.life or s.busy]
        return {s.name: s.book.record.launch.model for s in living if s.book.record.launch}

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
            await self._engine.look_if_due()
            await self._sampler.read(list(self._servers.values()))
            await self._promises.look_if_due(self._profiles_by_server())
            self._notice()
            await self.jobs.beat()
            self._log_keeper.beat(self._servers.values())
            self.pulls.beat()
            self._recorder.beat()
            self.beats += 1
            self.attendance.beat()
            self.events.write_soon()
            self.changed()
            await asyncio.sleep(max(0.1, BEAT_S - (time.monotonic() - begun_s)))

    def _profiles_by_server(self) -> dict[str, str | None]:
        """Of every server that was ever started, the profile by which it was."""
        launches = ((name, server.book.record.launch) for name, server in self._servers.items())
        return {name: launch.profile for name, launch in launches if launch}

    def _notice(self) -> None:
        """Tell what this beat shows that was not so before."""
        now_s, sampler, owned = time.monotonic(), self._sampler, self._owned
        self._notices.cards(now_s, sampler.gpus)
        self._notices.foreign(now_s, sampler.foreign.servers(), owned)
        self._notices.strays(now_s, sampler.foreign.strays())
        self._notices.ollama(now_s, sampler.ollama.status)
        self.ollama.notice(sampler.ollama.status.running, sampler.ollama.status_s)
        self._notices.preemptions(now_s, sampler.preemptions)

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
        self.jobs.note_change()
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
            unit=systemd.unit_of_us(),
            group=group_name(self.shared_with),
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
        await self._promises.look(self._profiles_by_server())
        jobs, levels = self.jobs.active(), self._promises.kept
        sources = history.events, history.totals
        return await asyncio.to_thread(make_report, *sources, since, name, prices, jobs, levels)

    async def job_cost(self, job_id: str) -> Cost:
        """What a job has cost until now, with what that rests on or why it is unknown."""
        job = self.jobs.get(job_id)
        prices = settings_module.load().prices
        cost = await asyncio.to_thread(job_cost, job, prices, self._history.totals)
        if cost is None:
            why = "it has not begun" if job.url is None else "its server is not ours"
            cost = Cost(None, prices.currency, why)
        return cost

    async def exposition(self) -> bytes:
        """Our own metrics, as Prometheus scrapes them."""
        from vconsole.supervisor.telling.exposition import exposition

        totals = await asyncio.to_thread(self._history.totals, 0.0, time.time(), None)
        cost = spent(totals, settings_module.load().prices).amount
        levels = self._promises.kept
        page, away = self.status("main"), self.ollama.gave_way
        return exposition(page, away, totals.energy_wh, cost, levels)

    def status(self, name: str) -> Status:
        """The whole page, seen from the server `name`."""
        server = self.server(name)
        shown = [s for s in self._servers.values() if s.book.record.launch or s is server]
        operations = [s.operation.snapshot for s in self._servers.values() if s.operation]
        gpus, metrics = self._sampler.gpus, self._sampler.metrics(server)
        page = Status(
            server=server_status(server),
            servers=tuple(
                server_status(s)
                for s in shown
                if s.book.record.launch or s.book.state is not ServerState.STOPPED
            ),
            metrics=metrics,
            gpus=gpus.gpus,
            gpu_note=gpus.note,
            host=self._sampler.host,
            ollama=self._sampler.ollama.status,
            jobs=tuple(as_job(status) for status in self.jobs.active()),
            foreign=self._sampler.foreign.servers(gpus.gpus, self._owned),
            strays=self._sampler.foreign.strays(gpus.gpus),
            supervisor=self.info(),
            engine=self._engine.engine,
            operations=(*operations, *self.pulls.operations),
            smoke=server.smoke_report,
            card_memory=cards_of(server, gpus.gpus, metrics),
            levels=self._promises.kept_by(name),
            server_gpus=tuple(gpu.index for gpu in gpus_of(server, gpus.gpus)),
        )
        return replace(page, advice=advise(page))

    async def close(self) -> None:
        for server in self._servers.values():
            await server.close()
        await self._sampler.close()
        await self._log_keeper.close()
        self.jobs.close()
        self._tell_leaving()
        await self._recorder.flush()
        await self.events.close()
        self._history.close()
