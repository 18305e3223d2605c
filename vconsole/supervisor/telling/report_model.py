"""The report: what happened since an instant, as `vconsole report --json` prints it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from vconsole.supervisor.model import Job
from vconsole.supervisor.telling.costs import Costs
from vconsole.supervisor.telling.event import Event
from vconsole.supervisor.telling.levels import Level


@dataclass(frozen=True, slots=True)
class Served:
    """Work done: `finished` counts requests by vLLM's finish reason, `requests` is their sum."""

    requests: int = 0
    finished: dict[str, int] = field(default_factory=dict)
    prompt_tokens: int = 0
    generation_tokens: int = 0
    preemptions: int = 0
    serving_s: float = 0.0


@dataclass(frozen=True, slots=True)
class RestartNote:
    """A start that nobody asked for, and what made it necessary."""

    at: datetime
    server: str | None
    why: str


@dataclass(frozen=True, slots=True)
class FailureNote:
    """An end that nobody asked for; `state` says whether another try followed (`backoff`)."""

    at: datetime
    server: str | None
    cause: str
    message: str
    remedy: str | None
    state: str


@dataclass(frozen=True, slots=True)
class Report:
    """`energy_wh` is what all cards drew and `cost` what that and serving cost; None is unknown.

    `costs` says it in full, each amount with what it rests on; `levels` are of the last 30 days.
    `notable` are the warnings and errors that neither `restarts` nor `failures` tell; `advice` is
    what to do now, most urgent first.
    """

    since_at: datetime
    until_at: datetime
    served: Served = field(default_factory=Served)
    restarts: tuple[RestartNote, ...] = ()
    failures: tuple[FailureNote, ...] = ()
    notable: tuple[Event, ...] = ()
    jobs: tuple[Job, ...] = ()
    energy_wh: float | None = None
    cost: float | None = None
    currency: str | None = None
    advice: tuple[str, ...] = ()
    costs: Costs | None = None
    levels: tuple[Level, ...] = ()
