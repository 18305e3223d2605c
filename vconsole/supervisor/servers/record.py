"""What outlives the supervisor: one JSON record for each named server.

The record is the contract between supervisors of different versions: fields are only ever added,
and `schema` rises when an older reader would misread it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import msgspec

from vconsole import paths
from vconsole.errors import VConsoleError
from vconsole.supervisor.files import previous, set_aside, write_atomically
from vconsole.supervisor.model import Desired, Failure, PhaseTime, ServerState, Transition
from vconsole.supervisor.processes.tree import ProcessId

SCHEMA = 1
KEPT_TRANSITIONS = 50
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Launch:
    """How a server is started, without secrets: those stay in a file of their own.

    With a `folder`, `command` is an adopted server's own and is run there again as it is.
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
    `weights_bytes` and `kv_cache_bytes` are what vLLM's log says each of its cards holds.
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


def record_path(name: str) -> Path:
    return paths.server_dir(name) / "record.json"


def environment_path(name: str) -> Path:
    """The variables given at the start, secrets among them; mode 0600."""
    return paths.server_dir(name) / "environment.json"


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


def save_environment(name: str, environment: dict[str, str]) -> None:
    write_atomically(environment_path(name), msgspec.json.encode(environment))


def load_environment(name: str) -> dict[str, str]:
    """The variables given at the last start; an error where they cannot be read.

    To go on without them could start a server without its key.
    """
    path = environment_path(name)
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, str])
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise VConsoleError(
            f"the variables given to {name} cannot be read from {path}: {error}",
            "move that file away and start again with what it should say",
            kind="unreadable_environment",
        ) from error


def readable_environment(name: str) -> dict[str, str]:
    """The same for whoever only looks at a server; nothing where it cannot be read."""
    try:
        return load_environment(name)
    except VConsoleError as error:
        log.error("%s", error.message)
        return {}
