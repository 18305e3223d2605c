"""What background threads tell the console."""

from __future__ import annotations

from dataclasses import dataclass

from textual.message import Message

from vconsole.errors import VConsoleError
from vconsole.supervisor.model import AskEvent, Operation, Sample, Status


@dataclass
class LinkUp(Message):
    """The supervisor answers; `samples` are what it remembers of `server`."""

    server: str
    samples: tuple[Sample, ...]


@dataclass
class LinkLost(Message):
    """The supervisor does not answer, or no longer; `server` is the one that was watched."""

    server: str
    error: VConsoleError


@dataclass
class StatusArrived(Message):
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
class VerbRefused(Message):
    verb: str
    error: VConsoleError


@dataclass
class AnswerEvent(Message):
    """A piece of the answer to request `number`."""

    number: int
    event: AskEvent
