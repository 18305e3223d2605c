"""What the supervisor tells its clients: the JSON of `/v1`, as frozen dataclasses.

Sizes are bytes, durations seconds (`_s`) or milliseconds (`_ms`), instants aware UTC datetimes
(`_at`), rates per second, shares 0 to 1. Unknown is None, never 0. Fields are only ever added.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from vconsole.engine.metrics import Metrics
from vconsole.errors import ErrorBody as ErrorBody
from vconsole.host.readings import CardMemory, Gpu, Host
from vconsole.host.readings import ForeignServer as ForeignServer
from vconsole.host.readings import StrayProcess as StrayProcess
from vconsole.requests.messages import AskEvent as AskEvent
from vconsole.requests.messages import AskRequest as AskRequest
from vconsole.requests.messages import SmokeCheck as SmokeCheck
from vconsole.requests.messages import SmokeReport as SmokeReport


class ServerState(StrEnum):
    STOPPED = "stopped"
    STARTING = "starting"
    READY = "ready"
    STALLED = "stalled"
    STOPPING = "stopping"
    BACKOFF = "backoff"
    FAILED = "failed"


class Desired(StrEnum):
    RUNNING = "running"
    STOPPED = "stopped"


class OperationState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class PhaseTime:
    """A step of start-up that occurred; `seconds` is None while it still runs."""

    name: str
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a server failed: cause word, the log line that shows it (1-based), and the remedy."""

    cause: str
    message: str
    at: datetime
    remedy: str | None = None
    retryable: bool = False
    evidence_line: int | None = None
    evidence_text: str | None = None
    suggested_flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of state, stamped, with its cause."""

    state: ServerState
    at: datetime
    cause: str


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """One named server: what is wanted, what is, and how far a start has come.

    `progress` is the share of the running phase where vLLM prints one; `eta_s` is learned from this
    machine's earlier starts of the same model (`eta_starts` of them).
    """

    name: str
    state: ServerState = ServerState.STOPPED
    desired: Desired = Desired.STOPPED
    model: str | None = None
    served_name: str | None = None
    profile: str | None = None
    url: str | None = None
    port: int | None = None
    pid: int | None = None
    started_at: datetime | None = None
    ready_at: datetime | None = None
    uptime_s: float | None = None
    ready_s: float | None = None
    phase: str | None = None
    progress: float | None = None
    eta_s: float | None = None
    eta_starts: int = 0
    phases: tuple[PhaseTime, ...] = ()
    adopted: bool = False
    restarts: int = 0
    last_failure: Failure | None = None
    max_model_len: int | None = None
    engine_version: str | None = None
    engine_device: str | None = None
    command: tuple[str, ...] = ()
    log_path: str | None = None
    transitions: tuple[Transition, ...] = ()
    operation: str | None = None
    survivors: tuple[int, ...] = ()
    warnings: tuple[str, ...] = ()
    next_start_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an operation; `ok` and `seconds` are None until it has ended."""

    name: str
    seconds: float | None = None
    ok: bool | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """A start, stop, restart or smoke test: has an id and steps, one at a time per server."""

    id: str
    kind: str
    server: str
    state: OperationState
    started_at: datetime
    ended_at: datetime | None = None
    seconds: float | None = None
    steps: tuple[Step, ...] = ()
    error: ErrorBody | None = None
    gpu_memory_released: bool | None = None
    gpu_memory_note: str | None = None


@dataclass(frozen=True, slots=True)
class OllamaStatus:
    running: bool | None = None
    gpu_bytes: int | None = None
    models: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Job:
    id: str
    kind: str
    state: str
    done: int
    total: int
    failed: int
    eta_s: float | None = None


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """The engine that the next start uses."""

    version: str
    device: str
    python: str
    path: str


@dataclass(frozen=True, slots=True)
class SupervisorInfo:
    pid: int | None = None
    version: str | None = None
    alive: bool = False
    socket: str | None = None
    owner: str | None = None
    started_at: datetime | None = None
    survives_logout: bool | None = None
    survival_note: str | None = None


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


@dataclass(frozen=True, slots=True)
class AdoptRequest:
    """A foreign server to take over; with `start_ticks` it has to be the process that was shown."""

    pid: int
    start_ticks: int | None = None


@dataclass(frozen=True, slots=True)
class StartRequest:
    """What a start may say; None leaves it to the profile, then the settings."""

    model: str | None = None
    port: int | None = None
    host: str | None = None
    served_name: str | None = None
    flags: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
