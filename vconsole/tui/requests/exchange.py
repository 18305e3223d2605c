"""One request of the Request screen, and what came back so far, in a column for each answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from vconsole.supervisor.model import AskEvent, AskRequest, Turn

MOST_COLUMNS = 8


@dataclass(frozen=True, slots=True)
class Call:
    """A tool that the model wants to be called; `arguments` is JSON as far as it has come."""

    name: str = ""
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """One answer; `end` carries its figures, `stopped` says that the user ended it.

    `sent_s`, `first_s` and `last_s` are of a monotonic clock, for figures while it comes in.
    """

    server: str
    sample: int = 0
    text: str = ""
    reasoning: str = ""
    calls: tuple[Call, ...] = ()
    note: str = ""
    end: AskEvent | None = None
    stopped: bool = False
    pieces: int = 0
    sent_s: float = 0.0
    first_s: float | None = None
    last_s: float | None = None

    @property
    def running(self) -> bool:
        return self.end is None and not self.stopped

    @property
    def finish_reason(self) -> str | None:
        reasons = self.end.finish_reasons if self.end else ()
        if self.sample < len(reasons):
            return reasons[self.sample]
        return self.end.finish_reason if self.end else None

    def with_event(self, event: AskEvent, at_s: float) -> Column:
        """The column after one more piece; one that has ended takes no more."""
        if not self.running:
            return self
        if event.kind == "note":
            return replace(self, note=event.text)
        if event.kind in ("done", "error"):
            return replace(self, end=event)
        first_s = at_s if self.first_s is None else self.first_s
        came = replace(self, pieces=self.pieces + 1, first_s=first_s, last_s=at_s)
        if event.kind == "reasoning":
            return replace(came, reasoning=came.reasoning + event.text)
        if event.kind == "tool_call":
            return replace(came, calls=_with_piece(came.calls, event))
        return replace(came, text=came.text + event.text)

    def stop(self) -> Column:
        return replace(self, stopped=True) if self.running else self


@dataclass(frozen=True, slots=True)
class Exchange:
    """`columns` are the samples of the first lane, then of the next; a lane is one request sent."""

    id: str
    number: int
    request: AskRequest
    columns: tuple[Column, ...]
    at: datetime
    model: str | None = None

    @property
    def lanes(self) -> int:
        return len(self.columns) // self.request.samples

    @property
    def running(self) -> bool:
        return any(column.running for column in self.columns)

    @property
    def first(self) -> Column:
        return self.columns[0]

    def with_event(self, lane: int, event: AskEvent, at_s: float) -> Exchange:
        """What concerns the whole request goes to all of its lane's columns."""
        samples = self.request.samples
        places = range(lane * samples, (lane + 1) * samples)
        if event.kind in ("text", "reasoning", "tool_call"):
            if event.sample >= samples:
                return self
            places = range(places.start + event.sample, places.start + event.sample + 1)
        columns = tuple(
            column.with_event(event, at_s) if place in places else column
            for place, column in enumerate(self.columns)
        )
        return replace(self, columns=columns)

    def stop(self) -> Exchange:
        return replace(self, columns=tuple(column.stop() for column in self.columns))

    def turns_after(self, chosen: int) -> tuple[Turn, ...]:
        """The conversation so far, for the next request to go on with."""
        asked, column = self.request, self.columns[chosen]
        return (*asked.turns, Turn("user", asked.prompt), Turn("assistant", column.text))


def columns_for(servers: tuple[str, ...], samples: int, sent_s: float) -> tuple[Column, ...]:
    return tuple(
        Column(server, sample, sent_s=sent_s) for server in servers for sample in range(samples)
    )


def _with_piece(calls: tuple[Call, ...], event: AskEvent) -> tuple[Call, ...]:
    place = min(event.call, len(calls))
    known = calls[place] if place < len(calls) else Call()
    call = Call(event.tool or known.name, known.arguments + event.text)
    return (*calls[:place], call, *calls[place + 1 :])
