"""One server as the supervisor tells of it: its state, its run, why it failed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from vconsole.models.fit.plan import Plan


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
