"""The page that says everything, and the seconds behind its graphs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from vconsole.engine.metrics.figures import Metrics
from vconsole.host.readings import CardMemory, ForeignServer, Gpu, Host, StrayProcess
from vconsole.requests.messages import SmokeReport
from vconsole.supervisor.model.operation import Operation
from vconsole.supervisor.model.server import ServerStatus
from vconsole.supervisor.telling.levels import Level


@dataclass(frozen=True, slots=True)
class OllamaStatus:
    """Ollama on this host, as the watch saw it last."""

    running: bool | None = None
    gpu_bytes: int | None = None
    models: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """A batch or a bench as the overview shows it."""

    id: str
    kind: str
    state: str
    done: int
    total: int
    failed: int
    eta_s: float | None = None
    title: str = ""
    server: str | None = None
    note: str | None = None
    requests_per_s: float | None = None
    generation_tokens_per_s: float | None = None
    concurrency: int | None = None
    """What was asked for; None tunes itself."""
    idle_s: float | None = None
    """Seconds since it last got on, while it should."""


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """The engine that the next start uses."""

    version: str
    device: str
    python: str
    path: str


@dataclass(frozen=True, slots=True)
class SupervisorInfo:
    """`unit` is systemd's that runs it; `group` may act, and everybody look, where there is one."""

    pid: int | None = None
    version: str | None = None
    alive: bool = False
    socket: str | None = None
    owner: str | None = None
    started_at: datetime | None = None
    survives_logout: bool | None = None
    survival_note: str | None = None
    unit: str | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Advice:
    """What limits a server now: the sentence with its figure, and what to do about it.

    `id` names the rule, `action` the console's action that acts on it; `flags` are vLLM's, to be
    given at the next start.
    """

    id: str
    text: str
    remedy: str
    action: str | None = None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Status:
    """Everything on one page: what `vconsole status --json` prints."""

    server: ServerStatus
    servers: tuple[ServerStatus, ...] = ()
    metrics: Metrics | None = None
    gpus: tuple[Gpu, ...] = ()
    gpu_note: str | None = None
    host: Host = field(default_factory=Host)
    ollama: OllamaStatus = field(default_factory=OllamaStatus)
    jobs: tuple[Job, ...] = ()
    foreign: tuple[ForeignServer, ...] = ()
    strays: tuple[StrayProcess, ...] = ()
    supervisor: SupervisorInfo = field(default_factory=SupervisorInfo)
    engine: EngineInfo | None = None
    operations: tuple[Operation, ...] = ()
    smoke: SmokeReport | None = None
    card_memory: tuple[CardMemory, ...] = ()
    server_gpus: tuple[int, ...] = ()
    """Indices of the cards that the server runs on."""
    advice: tuple[Advice, ...] = ()
    """What limits it now, what matters most first."""
    levels: tuple[Level, ...] = ()
    """How the server keeps what its users were promised, as of half a minute ago at most."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One second of one server, as the graphs need it."""

    at: datetime
    requests_running: float | None = None
    requests_waiting: float | None = None
    kv_cache_usage: float | None = None
    generation_tokens_per_s: float | None = None
    prompt_tokens_per_s: float | None = None
    requests_per_s: float | None = None
    batch_size: float | None = None
    gpu_utilization: float | None = None
    """Of the cards that the server runs on: their mean; power and memory are their sums."""
    gpu_power_w: float | None = None
    gpu_memory_used_bytes: float | None = None


@dataclass(frozen=True, slots=True)
class Attached:
    """The first word to a console: until when one watched before, None where none is known of.

    It is the present where another console watches still.
    """

    away_since: datetime | None = None
