"""System prompt, length and temperature of the next request."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, Label

from vconsole.supervisor.model import AskRequest
from vconsole.tui.widgets.field import Field


class ParameterForm(Vertical):
    def compose(self) -> ComposeResult:
        self.border_title = "Parameters"
        yield Label("system prompt")
        yield Field(id="system", placeholder="none")
        yield Label("most tokens")
        yield Field("512", id="max-tokens", type="integer")
        yield Label("temperature")
        yield Field(id="temperature", type="number", placeholder="the model's own")

    def request(self, prompt: str) -> AskRequest:
        """The request as the form has it; an empty or unreadable field leaves it to the server."""
        return AskRequest(
            prompt=prompt,
            system=self._value("system") or None,
            max_tokens=_whole(self._value("max-tokens")),
            temperature=_number(self._value("temperature")),
        )

    def _value(self, id: str) -> str:
        return self.query_one(f"#{id}", Input).value.strip()


def _whole(text: str) -> int | None:
    return int(text) if text.isdecimal() and int(text) > 0 else None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
