"""Ollama makes room while we measure: what it held is noted, unloaded, and given back.

The ladder and its book do it, so that a death of ours leaves a book by which it is restored.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from vconsole.errors import VConsoleError
from vconsole.host.ollama import api
from vconsole.supervisor.client import SupervisorClient
from vconsole.supervisor.ollama.model import OllamaReport, Rung

LETS_GO_S, POLL_S = 30.0, 0.3


@dataclass(frozen=True, slots=True)
class Noted:
    """What Ollama held when it began; `was_taken` where the book was open already."""

    models: tuple[str, ...] = ()
    was_taken: bool = False


def note(report: OllamaReport) -> Noted:
    """Of an Ollama on another host nothing is noted, and nothing will be touched."""
    if not report.running or not api.is_on_this_host(api.ollama_url()):
        return Noted()
    return Noted(tuple(one.name for one in report.models), report.taken is not None)


class Room:
    """`guest` is the model of Ollama's that is measured, where one is."""

    def __init__(self, client: SupervisorClient, noted: Noted, guest: str | None = None) -> None:
        self._client, self._noted, self._guest = client, noted, guest

    def make(self) -> tuple[str, ...]:
        """Unload what it holds; returns what that was.

        What came after the note is let go without the book: it is nobody's to be given back.
        """
        held = tuple(one.name for one in self._client.ollama().models) if self._noted.models else ()
        noted = [name for name in held if name in self._noted.models]
        if not noted:
            return ()
        for name in held:
            if name not in noted:
                api.unload(name)
        self._client.change_ollama(Rung.UNLOAD)
        return tuple(noted)

    def dismiss_guest(self) -> None:
        """Let go of the model that was measured, and wait until its memory is free."""
        if self._guest is None or not self._holds(self._guest):
            return
        api.unload(self._guest)
        deadline_s = time.monotonic() + LETS_GO_S
        while self._holds(self._guest):
            if time.monotonic() > deadline_s:
                raise VConsoleError(
                    f"Ollama still holds {self._guest} after {LETS_GO_S:.0f} s",
                    f"try: ollama stop {self._guest}",
                )
            time.sleep(POLL_S)

    def give_back(self) -> None:
        """As it was noted: the guest gone unless it was there, the others loaded again."""
        if self._guest not in self._noted.models:
            self.dismiss_guest()
        if not self._noted.models:
            return
        if self._noted.was_taken:
            for name in self._noted.models:
                api.load(name)
        elif self._client.ollama().taken is not None:
            report = self._client.change_ollama("restore")
            if refused := next((step for step in report.steps if step.ok is False), None):
                raise VConsoleError(
                    f"Ollama was not given back: {refused.name} needs an administrator",
                    f"{refused.detail}; then: vconsole ollama restore",
                )

    def _holds(self, model: str) -> bool:
        return any(one.name == model for one in api.loaded_models() or ())
