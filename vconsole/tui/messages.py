"""What background threads tell the console."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from textual.message import Message

from vconsole.errors import VConsoleError
from vconsole.supervisor.model import AskEvent, Operation, Sample, Status

if TYPE_CHECKING:
    from vconsole.supervisor.telling.event import Event
    from vconsole.supervisor.telling.report_model import Report


@dataclass
class LinkUp(Message):
    """The supervisor answers; `samples` are what it remembers of an hour of `server`.

    `away_since` is until when a console watched before this one, None where that is not known.
    """

    server: str
    samples: tuple[Sample, ...]
    away_since: datetime | None = None


@dataclass
class DayArrived(Message):
    """What the supervisor remembers of a day of `server`, a sample a minute."""

    server: str
    samples: tuple[Sample, ...]


@dataclass
class LinkLost(Message):
    """The supervisor does not answer, or no longer; `server` is the one that was watched."""

    server: str
    error: VConsoleError


@dataclass
class ReportArrived(Message):
    """What happened since an instant; `away` says that it greets a user who comes back."""

    report: Report
    away: bool


@dataclass
class EventsArrived(Message):
    """Kept events that the list has not had, oldest first."""

    events: tuple[Event, ...]


@dataclass
class StatusArrived(Message):
    """A new snapshot of everything."""

    status: Status

    def can_replace(self, message: Message) -> bool:
        return (
            isinstance(message, StatusArrived)
            and message.status.server.name == self.status.server.name
        )


@dataclass
class VerbAccepted(Message):
    """The supervisor began an operation that this console asked for."""

    operation: Operation


@dataclass
class VerbDone(Message):
    """What was asked for is done already; `words` are told to the user."""

    words: str


@dataclass
class VerbRefused(Message):
    """What was asked for cannot be done; the error says why."""

    verb: str
    error: VConsoleError


@dataclass
class AnswerEvent(Message):
    """A piece of what lane `lane` of the exchange `id` brings, at a monotonic instant."""

    id: str
    lane: int
    event: AskEvent
    at_s: float


@dataclass
class NotKept(Message):
    """The history of requests could not be written."""

    error: VConsoleError
