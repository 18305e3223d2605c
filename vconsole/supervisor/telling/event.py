"""Events: what happened on this machine, for `/v1/events/log` and whoever reads it later.

Kinds and fields are only ever added; a reader takes a kind that it does not know for a word.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

Fact = str | int | float | bool | None
LONGEST_TEXT = 500


class EventKind(StrEnum):
    """What can be asked for with `--kind`."""

    STATE = "state"
    CRASH = "crash"
    RESTART = "restart"
    SWAP = "swap"
    SLOW_START = "slow-start"
    SMOKE = "smoke"
    MEASURED = "measured"
    DEGRADED = "degraded"
    PREEMPTIONS = "preemptions"
    THROTTLE = "throttle"
    GPU = "gpu"
    OLLAMA = "ollama"
    FOREIGN = "foreign"
    STRAY = "stray"
    LOG = "log"
    RECORD = "record"
    PULL = "pull"
    JOB = "job"
    SUPERVISOR = "supervisor"


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at `at`; `server` is None where it concerns the whole machine.

    `id` rises. `text` is one line for people, `data` the same for programs.
    """

    id: int
    at: datetime
    kind: str
    severity: Severity
    server: str | None
    text: str
    data: dict[str, Fact] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EventQuery:
    """Which events: with `after_id` the first `limit` after it, else the last `limit`.

    Empty `kinds` are all of them; a `server` leaves out the machine's.
    """

    since: datetime | None = None
    kinds: tuple[str, ...] = ()
    server: str | None = None
    after_id: int | None = None
    limit: int = 1000

    def takes(self, event: Event) -> bool:
        """Whether the event is asked for, the limit aside."""
        return (
            (self.since is None or event.at >= self.since)
            and (not self.kinds or event.kind in self.kinds)
            and (self.server is None or event.server == self.server)
            and (self.after_id is None or event.id > self.after_id)
        )

    def of(self, events: list[Event]) -> tuple[Event, ...]:
        """Those of `events` (oldest first) that are asked for, within the limit."""
        found = tuple(filter(self.takes, events))
        if self.limit <= 0:
            return ()
        return found[-self.limit :] if self.after_id is None else found[: self.limit]


def one_line(text: str) -> str:
    """`text` on one line of bounded length, without what a terminal would act on."""
    line = " ".join(text.split())
    line = "".join(character if character.isprintable() else "?" for character in line)
    return line if len(line) <= LONGEST_TEXT else line[: LONGEST_TEXT - 1] + "…"
