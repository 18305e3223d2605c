"""One request of this session and what came back, so far."""

from __future__ import annotations

from dataclasses import dataclass, replace

from vconsole.supervisor.model import AskEvent, AskRequest


@dataclass(frozen=True, slots=True)
class Exchange:
    """`end` carries the figures of a finished answer; `stopped` says that the user ended it."""

    number: int
    request: AskRequest
    text: str = ""
    reasoning: str = ""
    end: AskEvent | None = None
    stopped: bool = False

    @property
    def running(self) -> bool:
        return self.end is None and not self.stopped

    def with_event(self, event: AskEvent) -> Exchange:
        """The exchange after one more piece; a stopped one takes no more."""
        if not self.running:
            return self
        if event.kind == "text":
            return replace(self, text=self.text + event.text)
        if event.kind == "reasoning":
            return replace(self, reasoning=self.reasoning + event.text)
        return replace(self, end=event)

    def stop(self) -> Exchange:
        return replace(self, stopped=True) if self.running else self
