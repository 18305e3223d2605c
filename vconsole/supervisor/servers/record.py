"""What outlives the supervisor: one JSON record for each named server.

The record is the contract between supervisors of different versions: fields are only ever added,
and `schema` rises when an older reader would misread it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import msgspec

from vconsole import paths
from vconsole.models.fit.plan import Card, Plan
from vconsole.supervisor.files import previous, set_aside, write_atomically
from vconsole.supervisor.model import Desired, Failure, PhaseTime, ServerState, Step, Transition
from vconsole.supervisor.processes.tree import ProcessId
from vconsole.supervisor.servers.environment import environment_path as environment_path
from vconsole.supervisor.servers.environment import load_environment as load_environment
from vconsole.supervisor.servers.environment import readable_environment as readable_environment
from vconsole.supervisor.servers.environment import save_environment as save_environment

SCHEMA = 1
KEPT_TRANSITIONS = 50
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Launch:
    """How a server is started, without secrets: those stay in a file of their own.

    With a `folder`, `command` is an adopted server's own and is run there again as it is.
    `planned_flags` are those of `flags` that the plan chose, not the user; `card` is what it was
    planned for.
    """

    model: str
    served_name: str
    host: str
    port: int
    flags: tuple[str, ...] = ()
    profile: str | None = None
    drain_s: int = 15
    command: tuple[str, ...] = ()
    engine_version: str | None = None
    engine_device: str | None = None
    warnings: tuple[str, ...] = ()
    folder: str | None = None
    plan: Plan | None = None
    planned_flags: tuple[str, ...] = ()
    card: Card | None = None

    @property
    def engine(self) -> str:
        """The engine as history knows it: start times are comparable only on the same one."""
        return f"{self.engine_version} {self.engine_device}"

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class CardBefore:
    """A card before a start: what was used there that no process accounted for.

    `card` is its UUID, or its index where it has none.
    """

    card: str
    unnamed_bytes: int


@dataclass(frozen=True, slots=True)
class Run:
    """One life of a server's process tree; `leader` is the API server and its session's leader.

    A `foreign` tree is one that we took over and did not start: its session and its log are its
    user's, and `ready_at` is when it was adopted. `cgroup` is that of the run's own scope, if any.
    Weights and KV cache are what vLLM's log says that each of its cards holds.
    `oom_kills_before` is how many processes the kernel had killed for want of memory when it began,
    `degraded` the causes of degradations that were told of it.
    """

    tag: str
    boot_id: str
    leader: ProcessId
    started_at: datetime
    log_offset_bytes: int = 0
    tree: tuple[ProcessId, ...] = ()
    ready_at: datetime | None = None
    ready_s: float | None = None
    max_model_len: int | None = None
    phases: tuple[PhaseTime, ...] = ()
    foreign: bool = False
    cgroup: str | None = None
    cards_before: tuple[CardBefore, ...] = ()
    weights_bytes: int | None = None
    kv_cache_bytes: int | None = None
    kv_cache_tokens: int | None = None
    oom_kills_before: int | None = None
    degraded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Holding:
    """What the processes of a tree hold; `card_bytes` is None where no card can be read."""

    host_bytes: int
    card_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Sleeper:
    """A model asleep: its processes live and have no port.

    `said` is what it answered before, `awake` what it held then. `given` is the digest of the
    variables that it was started with, which a wake has to be asked for with, too.
    """

    launch: Launch
    run: Run
    since: datetime
    said: str
    given: str
    awake: Holding
    asleep: Holding


class SwapStage(StrEnum):
    """How far a swap is, as far as a supervisor that takes it up has to know.

    While it prepares the old server serves untouched; after that the old one is ended, one of the
    candidates is started and proved, or the old one is started again.
    """

    PREPARING = "preparing"
    STOPPING = "stopping"
    STARTING = "starting"
    RETURNING = "returning"


@dataclass(frozen=True, slots=True)
class Transaction:
    """A swap under way: `old` comes back unless one of `candidates` proves itself.

    `tried` is the candidate at hand and `failure` why it failed; a `drain_s` of None is the old
    server's own. The variables of each, secrets among them, lie in a file of their own.
    """

    old: Launch
    candidates: tuple[Launch, ...]
    began_at: datetime
    stage: SwapStage = SwapStage.PREPARING
    tried: int = 0
    failure: Failure | None = None
    drain_s: float | None = None
    holds_requests: bool = False
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class ServerRecord:
    name: str
    schema: int = SCHEMA
    state: ServerState = ServerState.STOPPED
    desired: Desired = Desired.STOPPED
    launch: Launch | None = None
    run: Run | None = None
    restarts: int = 0
    restart_times: tuple[datetime, ...] = ()
    next_start_at: datetime | None = None
    last_failure: Failure | None = None
    transitions: tuple[Transition, ...] = ()
    survivors: tuple[ProcessId, ...] = field(default=())
    swap: Transaction | None = None
    failed_start: str | None = None
    sleepers: tuple[Sleeper, ...] = ()


def record_path(name: str) -> Path:
    return paths.server_dir(name) / "record.json"


def log_path(name: str) -> Path:
    return paths.server_dir(name) / "server.log"


def save(record: ServerRecord) -> None:
    """Write the record whole; the one before it stays beside it, for when this one is ruined."""
    path = record_path(record.name)
    write_atomically(path, msgspec.json.encode(record), keep=True)


def load(name: str) -> ServerRecord:
    """The record of a server, a fresh one where there is none.

    A corrupt one is set aside, and the one written before it holds.
    """
    path = record_path(name)
    for candidate in (path, previous(path)):
        try:
            return msgspec.json.decode(candidate.read_bytes(), type=ServerRecord)
        except FileNotFoundError:
            continue
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            kept = set_aside(candidate)
            log.warning("record of %s is unreadable (%s): kept as %s", name, error, kept)
    return ServerRecord(name)


def recorded_names() -> tuple[str, ...]:
    folder = paths.state_dir() / "servers"
    if not folder.is_dir():
        return ()
    return tuple(sorted(entry.name for entry in folder.iterdir() if entry.is_dir()))
