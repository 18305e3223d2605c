"""What the supervisor tells its clients: the JSON of `/v1`, as frozen dataclasses.

Sizes are bytes, durations seconds (`_s`) or milliseconds (`_ms`), instants aware UTC datetimes
(`_at`), rates per second, shares 0 to 1. Unknown is None, never 0. Fields are only ever added.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from vconsole.engine.metrics.figures import Metrics
from vconsole.errors import ErrorBody as ErrorBody
from vconsole.host.readings import CardMemory, Gpu, Host
from vconsole.host.readings import ForeignServer as ForeignServer
from vconsole.host.readings import StrayProcess as StrayProcess
from vconsole.models.fit.plan import Plan as Plan
from vconsole.requests.messages import AskEvent as AskEvent
from vconsole.requests.messages import AskRequest as AskRequest
from vconsole.requests.messages import SmokeCheck as SmokeCheck
from vconsole.requests.messages import SmokeReport as SmokeReport
from vconsole.requests.messages import Turn as Turn
from vconsole.supervisor.telling.levels import Level as Level
from vconsole.supervisor.wishes import AdoptRequest as AdoptRequest
from vconsole.supervisor.wishes import JobsRule as JobsRule
from vconsole.supervisor.wishes import PullRequest as PullRequest
from vconsole.supervisor.wishes import RemoveRequest as RemoveRequest
from vconsole.supervisor.wishes import StartRequest as StartRequest
from vconsole.supervisor.wishes import SwapRequest as SwapRequest


class ServerState(StrEnum):
    STOPPED = "stopped"
    STARTING = "starting"
    READY = "ready"
    STALLED = "stalled"
    STOPPING = "stopping"
    BACKOFF = "backoff"
    FAILED = "failed"
    ASLEEP = "asleep"


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
class WayOut:
    """A start that may go better after a failure: with `flags` changed, or another `model`.

    `kind` is `change` (what the failure suggests), `fp8` or `fallback`; `words` say it.
    """

    kind: str
    words: str
    flags: tuple[str, ...] = ()
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a server failed: cause word, the log line that shows it (1-based), and the remedy.

    `before` and `after` are the log's lines around that one, without their prefixes.
    """

    cause: str
    message: str
    at: datetime
    remedy: str | None = None
    retryable: bool = False
    evidence_line: int | None = None
    evidence_text: str | None = None
    suggested_flags: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    ways_out: tuple[WayOut, ...] = ()


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of state, stamped, with its cause."""

    state: ServerState
    at: datetime
    cause: str


@dataclass(frozen=True, slots=True)
class StandbyStatus:
    """An engine process that waits to become the next server; `ready_s` is None while it loads."""

    pid: int
    ready_s: float | None = None
    memory_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """What a start took by vLLM's own account, beside its plan; bytes of one card, None unknown."""

    weights_bytes: int | None = None
    kv_cache_bytes: int | None = None
    kv_cache_tokens: int | None = None
    predicted_weights_bytes: int | None = None
    predicted_kv_cache_bytes: int | None = None
    predicted_kv_cache_tokens: int | None = None

    @property
    def text(self) -> str:
        """Both in a line; empty where nothing was measured."""
        tokens, predicted = self.kv_cache_tokens, self.predicted_kv_cache_tokens
        if not tokens:
            return ""
        if predicted is None:
            return f"{tokens:,} KV tokens; nothing was predicted"
        if tokens == predicted:
            return f"{tokens:,} KV tokens, exactly as predicted"
        off = (predicted / tokens - 1) * 100
        return f"{tokens:,} KV tokens; predicted {predicted:,} ({off:+.1f} %)"


@dataclass(frozen=True, slots=True)
class SleeperStatus:
    """A model that sleeps: a swap to it is a wake.

    `memory_bytes` is what its processes hold of the host's memory, `card_bytes` what they still
    hold on the cards.
    """

    model: str
    served_name: str
    pid: int
    since: datetime
    profile: str | None = None
    memory_bytes: int | None = None
    card_bytes: int | None = None
    state: ServerState = ServerState.ASLEEP


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
    plan: Plan | None = None
    standby: StandbyStatus | None = None
    sleepers: tuple[SleeperStatus, ...] = ()
    flags: tuple[str, ...] = ()
    measured: Measured | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an operation; `ok` and `seconds` are None until it has ended."""

    name: str
    seconds: float | None = None
    ok: bool | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """A start, stop, restart, swap or smoke test: has an id and steps, one at a time per server.

    A pull of a model is one too: its `server` is empty, and `subject` is what it brings.
    `old` and `new` are the models of a swap; it was `rolled_back` where the old one serves again.
    """

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
    subject: str | None = None
    done_bytes: int | None = None
    total_bytes: int | None = None
    bytes_per_s: float | None = None
    old: str | None = None
    new: str | None = None
    rolled_back: bool = False
    plan: Plan | None = None
    adapted: tuple[str, ...] = ()

    @property
    def swap_words(self) -> str | None:
        """Of a swap that runs: who takes whose place, and the step that it is in."""
        if self.kind != "swap" or self.state is not OperationState.RUNNING:
            return None
        step = f": {self.steps[-1].name}" if self.steps else ""
        return f"{self.old} is being replaced by {self.new}{step}"


@dataclass(frozen=True, slots=True)
class RemovedModel:
    """What a removal freed, or would free."""

    name: str
    path: str
    freed_bytes: int
    removed: bool


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
