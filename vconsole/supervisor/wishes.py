"""What a client may ask the supervisor for: the bodies of `/v1`, as frozen dataclasses.

Fields are only ever added, each with a default that means "as before".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A repository of the Hub to bring into the cache; `env` has the caller's HF_* variables."""

    repository: str
    env: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RemoveRequest:
    """A model to take out of the cache at `cache`; with `dry_run` it is only looked at."""

    name: str
    cache: str
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class AdoptRequest:
    """A foreign server to take over; with `start_ticks` it has to be the process that was shown."""

    pid: int
    start_ticks: int | None = None


@dataclass(frozen=True, slots=True)
class StartRequest:
    """What a start may say; None leaves it to the profile, then the settings.

    `change` replaces flags of the last start, which then is started again. `adapt` allows one more
    start with the flags that a failure suggests, `anyway` one that is expected to fail.
    `engine` is the Python of another engine than the current one, for this start alone.
    """

    model: str | None = None
    port: int | None = None
    host: str | None = None
    served_name: str | None = None
    flags: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    change: tuple[str, ...] = ()
    adapt: bool = False
    anyway: bool = False
    engine: str | None = None


class JobsRule(StrEnum):
    """What a swap does about a job that works on the server."""

    PAUSE = "pause"
    WAIT = "wait"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class SwapRequest:
    """What is to take the place of what runs; None leaves it to the profile, then the settings.

    `drain_s` is what requests in flight get; `holds_requests` says whether new ones are held until
    the new server is ready, or refused. With `when_idle` it waits until nothing is in flight.
    `unset` names variables of the old server that the new one is not to get.
    """

    model: str
    port: int | None = None
    served_name: str | None = None
    flags: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    drain_s: float | None = None
    holds_requests: bool | None = None
    jobs: JobsRule = JobsRule.REFUSE
    when_idle: bool = False
    unset: tuple[str, ...] = ()
