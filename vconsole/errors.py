"""The one error type users meet, and the exit codes that scripts rely on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class ExitCode(IntEnum):
    """What a command's exit status means."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NO_SERVER = 3
    TIMED_OUT = 4
    REFUSED = 5
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """An error as data, for a socket or a JSON line."""

    kind: str
    message: str
    remedy: str | None = None
    exit_code: int = 1


class VConsoleError(Exception):
    """Something a user has to know: what happened, and what to do about it.

    `kind` is a short stable word for scripts; it defaults to the exit code's name in lower case.
    """

    def __init__(
        self,
        message: str,
        remedy: str | None = None,
        exit_code: ExitCode = ExitCode.FAILED,
        kind: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.exit_code = exit_code
        self.kind = kind or exit_code.name.lower()

    def body(self) -> ErrorBody:
        return ErrorBody(self.kind, self.message, self.remedy, int(self.exit_code))
