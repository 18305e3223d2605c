"""What may go wrong with one exchange, as one exception with a word for its kind."""

from __future__ import annotations

from enum import StrEnum

from vconsole.errors import VConsoleError


class Fault(StrEnum):
    """How an exchange failed; all but `NONSENSE` say nothing against the request itself."""

    UNREACHABLE = "unreachable"
    """Nobody listens: nothing was sent."""
    DROPPED = "dropped"
    """An idle connection had been closed by the server: it answered nothing of this request."""
    BROKEN = "broken"
    """The connection ended within the answer, or before it on a fresh connection."""
    TIMEOUT = "timeout"
    NONSENSE = "nonsense"
    """What came is no HTTP, or more than was announced."""


class TransportError(VConsoleError):
    """An exchange that brought no answer; `fault` says how it failed."""

    def __init__(self, fault: Fault, message: str) -> None:
        super().__init__(message, kind=fault.value)
        self.fault = fault
