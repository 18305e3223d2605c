"""Which of the kept events are shown: by severity, and by words of kind, server and text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from vconsole.supervisor.telling.event import Event, Severity

RANKS = {Severity.INFO: 0, Severity.WARNING: 1, Severity.ERROR: 2}


@dataclass(frozen=True, slots=True)
class EventSelection:
    """Every word of `text` must occur; `kind:crash`, `server:main` look in that field alone."""

    least: Severity = Severity.INFO
    text: str = ""

    def of(self, events: Iterable[Event]) -> list[Event]:
        words, least = self.text.lower().split(), RANKS[self.least]
        return [
            event
            for event in events
            if RANKS[event.severity] >= least and all(_has(event, word) for word in words)
        ]


def _has(event: Event, word: str) -> bool:
    server = event.server or ""
    if word.startswith("kind:"):
        return event.kind.startswith(word[5:])
    if word.startswith("server:"):
        return server.lower().startswith(word[7:])
    return word in f"{event.kind} {event.severity} {server} {event.text}".lower()
