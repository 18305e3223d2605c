"""Everything that the checks look at, read once: no check reads anything itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

from vconsole import paths, settings
from vconsole.engine.command import command_line
from vconsole.engine.find import Engine, find_engine
from vconsole.engine.installing.driver import GpuFacts
from vconsole.engine.log.logline import parse as parse_line
from vconsole.engine.metrics.exposition import parse
from vconsole.engine.metrics.figures import Scrape
from vconsole.errors import VConsoleError
from vconsole.host.condition import Condition, read_condition
from vconsole.host.cuda import cuda_facts
from vconsole.host.readings import Gpu
from vconsole.models.hub.cache import cache_folder
from vconsole.supervisor.doctor.gains import Gain, measured_gains
from vconsole.supervisor.doctor.online import Online, hub_is_offline, hub_token, look_online
from vconsole.supervisor.logs.log_reading import live_lines
from vconsole.supervisor.model import ServerState, ServerStatus, Status, SupervisorInfo
from vconsole.supervisor.processes.process import port_is_free
from vconsole.supervisor.servers import record

METRICS_TIMEOUT_S = 2.0
# A start says all that is looked for in its first lines.
START_LINES = 4000


@dataclass(frozen=True, slots=True)
class Scene:
    """`server` runs, or is None; `said` is what its log said since it was started.

    `online` is None where nobody asked for a look at the network.
    """

    condition: Condition = field(default_factory=Condition)
    engine: Engine | None = None
    engine_error: str | None = None
    gpu: GpuFacts | None = None
    gpus: tuple[Gpu, ...] = ()
    gpu_note: str | None = None
    server: ServerStatus | None = None
    said: tuple[str, ...] = ()
    scrape: Scrape | None = None
    port: int = 8000
    host: str = "127.0.0.1"
    port_taken: bool = False
    online: Online | None = None
    gains: Mapping[str, Gain] = field(default_factory=dict)
    has_hub_token: bool = False
    hub_is_offline: bool = False

    @property
    def on_cuda(self) -> bool:
        """Whether the engine that serves, or would serve, computes on NVIDIA cards."""
        device = self.server.engine_device if self.server else None
        return (device or (self.engine.device if self.engine else "")) == "cuda"

    def flag(self, name: str) -> str | None:
        """The value of a flag of the running server."""
        return command_line.flag(self.server.command, name) if self.server else None

    def has(self, *names: str) -> bool:
        """Whether the running server was given one of these switches."""
        given = {word.partition("=")[0].replace("_", "-") for word in self.command}
        return any(name in given for name in names)

    @property
    def command(self) -> tuple[str, ...]:
        return self.server.command if self.server else ()


def look(status: Status, online: bool = False) -> Scene:
    """Read what the checks need; with `online` the Hub and the package index are asked too."""
    chosen = settings.load()
    engine, error = _engine(chosen)
    server = status.server if status.server.state is ServerState.READY else None
    return Scene(
        condition=read_condition(
            cache_folder(), paths.state_dir(), _limited(server, status.supervisor)
        ),
        engine=engine,
        engine_error=error,
        gpu=cuda_facts() if status.gpus else None,
        gpus=status.gpus,
        gpu_note=status.gpu_note,
        server=server,
        said=_said(server.name) if server else (),
        scrape=_scrape(server) if server else None,
        port=chosen.server.port,
        host=chosen.server.host,
        port_taken=_port_taken(chosen.server.host, chosen.server.port),
        online=look_online(engine) if online else None,
        gains=measured_gains(),
        has_hub_token=hub_token() is not None,
        hub_is_offline=hub_is_offline(),
    )


def _limited(server: ServerStatus | None, supervisor: SupervisorInfo) -> int | None:
    """Whose limits count: the running server's, else those that the next one would inherit."""
    return (server.pid if server else None) or supervisor.pid


def _engine(chosen: settings.Settings) -> tuple[Engine | None, str | None]:
    try:
        return find_engine(chosen), None
    except VConsoleError as error:
        return None, error.message


def _said(name: str) -> tuple[str, ...]:
    """Messages of the running server's start; none where its log was archived since."""
    run = record.load(name).run
    if run is None or run.foreign:
        return ()
    said: list[str] = []
    try:
        for line in live_lines(record.log_path(name), run.log_offset_bytes):
            said.append(parse_line(line).message)
            if len(said) >= START_LINES:
                break
    except OSError:
        return ()
    return tuple(said)


def _scrape(server: ServerStatus) -> Scrape | None:
    try:
        answer = httpx.get(f"{server.url}/metrics", timeout=METRICS_TIMEOUT_S, trust_env=False)
        answer.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL):
        return None
    return parse(answer.text)


def _port_taken(host: str, port: int) -> bool:
    return not port_is_free(host, port)
