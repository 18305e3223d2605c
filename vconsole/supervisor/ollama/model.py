"""What `/v1/ollama` says: Ollama as it is, what we took from it, and what a verb did."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from vconsole.host.ollama.process import Recipe
from vconsole.host.units import Scope
from vconsole.supervisor.model import Step


class Rung(StrEnum):
    """The ladder, mildest first."""

    UNLOAD = "unload"
    STOP = "stop"
    DISABLE = "disable"
    BLOCK = "block"
    END = "end"


@dataclass(frozen=True, slots=True)
class HeldModel:
    """A model in Ollama's memory; `until` is when Ollama would let go of it by itself.

    `since_at` is when it was loaded, or was first seen; None where it was there before us.
    """

    name: str
    gpu_bytes: int | None = None
    memory_bytes: int | None = None
    until: str | None = None
    since_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken from Ollama and is to be given back.

    `container` is one's ID, and `engine` the command that drives it.
    `keep_alive_s` is for how long each model was to stay loaded, -1 for ever. With `waits` nothing
    was taken yet: an administrator has to run the command that was shown.
    """

    at: datetime
    rung: Rung
    models: tuple[str, ...] = ()
    unit: str | None = None
    scope: Scope | None = None
    was_active: bool = False
    was_enabled: bool = False
    blocked: bool = False
    recipe: Recipe | None = None
    keep_alive_s: dict[str, int] = field(default_factory=dict)
    container: str | None = None
    engine: str | None = None
    waits: bool = False


@dataclass(frozen=True, slots=True)
class OllamaReport:
    """Ollama on this host. `steps` is what the verb just done did, each with what it changed.

    `next_rungs` are the verbs that could go further, each with what it would change. `since_at` is
    when it was started, `memory_bytes` what all its processes hold of this machine's memory.
    """

    running: bool
    owner: str | None = None
    owner_kind: str | None = None
    user: str | None = None
    pid: int | None = None
    unit: str | None = None
    enabled: bool | None = None
    version: str | None = None
    models: tuple[HeldModel, ...] = ()
    gpu_bytes: int | None = None
    blocked: bool = False
    taken: Taken | None = None
    next_rungs: tuple[Step, ...] = ()
    steps: tuple[Step, ...] = ()
    since_at: datetime | None = None
    memory_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class OllamaRequest:
    """`pid` says which process may be ended, where no unit holds it."""

    pid: int | None = None
