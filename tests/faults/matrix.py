"""The written matrix: who is signalled, how, at which moment, and what must come of it.

Of the 84 combinations, 28 cover every pair of (who, signal), (who, moment) and (signal, moment);
four more are cases that users meet often. Their order keeps one server as long as a case leaves it.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass
from enum import StrEnum
from itertools import zip_longest


class Who(StrEnum):
    API_SERVER = "API server"
    ENGINE_CORE = "EngineCore"
    WORKER = "Worker"
    TRACKER = "resource tracker"
    SUPERVISOR = "supervisor"
    CLIENT = "client"
    CONSOLE = "console"


class Moment(StrEnum):
    STARTING = "starting"
    IDLE = "idle"
    LOADED = "loaded"
    STOPPING = "stopping"


SIGNALS = (signal.SIGTERM, signal.SIGKILL, signal.SIGSTOP)
ENGINE = frozenset({Who.API_SERVER, Who.ENGINE_CORE, Who.WORKER})


@dataclass(frozen=True, slots=True)
class Case:
    who: Who
    signal: signal.Signals
    moment: Moment

    @property
    def ends_the_engine(self) -> bool:
        return self.who in ENGINE and self.signal is not signal.SIGSTOP

    @property
    def halts_the_engine(self) -> bool:
        return self.who in ENGINE and self.signal is signal.SIGSTOP

    @property
    def asks_a_start_to_end(self) -> bool:
        """vLLM's API server heeds TERM early in a start and lets it pass while the engine loads."""
        term = self.who is Who.API_SERVER and self.signal is signal.SIGTERM
        return term and self.moment is Moment.STARTING

    @property
    def outcomes(self) -> tuple[str, ...]:
        """The states in which the server may come to rest: one, but for `asks_a_start_to_end`."""
        if self.moment is Moment.STOPPING:
            return ("stopped",)
        if self.asks_a_start_to_end:
            return ("failed", "ready")
        ended = self.ends_the_engine and self.moment is Moment.STARTING
        return ("failed",) if ended else ("ready",)

    @property
    def expected(self) -> str:
        """What must come of it, as the table says it."""
        if self.moment is Moment.STOPPING:
            return "stopped, nothing left"
        if self.asks_a_start_to_end:
            return "failed with a diagnosis, or the start goes on"
        if self.ends_the_engine:
            starting = self.moment is Moment.STARTING
            return "failed with a diagnosis" if starting else "backoff, then a new server"
        if self.halts_the_engine and self.moment is not Moment.STARTING:
            return "stalled within 15 s, ready after CONT"
        return "the server goes on"

    def __str__(self) -> str:
        return f"{self.who} {self.signal.name.removeprefix('SIG')} {self.moment}"


def pairwise() -> tuple[Case, ...]:
    """One signal for each (who, moment), shifted from row to row so that every pair occurs."""
    return tuple(
        Case(who, SIGNALS[(row + column) % len(SIGNALS)], moment)
        for row, who in enumerate(Who)
        for column, moment in enumerate(Moment)
    )


OFTEN_MET = (
    Case(Who.ENGINE_CORE, signal.SIGKILL, Moment.LOADED),
    Case(Who.SUPERVISOR, signal.SIGKILL, Moment.IDLE),
    Case(Who.SUPERVISOR, signal.SIGKILL, Moment.LOADED),
    Case(Who.API_SERVER, signal.SIGKILL, Moment.STARTING),
)
ORDINARY = frozenset(
    {
        Case(Who.ENGINE_CORE, signal.SIGSTOP, Moment.IDLE),
        Case(Who.ENGINE_CORE, signal.SIGKILL, Moment.LOADED),
        Case(Who.SUPERVISOR, signal.SIGKILL, Moment.IDLE),
        Case(Who.CLIENT, signal.SIGKILL, Moment.LOADED),
    }
)


def in_order() -> tuple[Case, ...]:
    """All cases; starts alternate with stops, so that a server that came up is used."""
    cases = (*pairwise(), *OFTEN_MET)

    def at(moment: Moment) -> list[Case]:
        return [case for case in cases if case.moment is moment]

    starts = sorted(at(Moment.STARTING), key=lambda case: case.outcomes != ("ready",))
    ends = [case for pair in zip_longest(at(Moment.STOPPING), starts) for case in pair if case]
    return (*at(Moment.IDLE), *at(Moment.LOADED), *ends)
