"""The parameters of the next request; an empty field leaves it to the server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import msgspec
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Label

from vconsole.errors import ExitCode, VConsoleError
from vconsole.requests.attachments import json_object, tool_list
from vconsole.supervisor.model import AskRequest, Turn
from vconsole.tui.forms.values import count_of, number_of
from vconsole.tui.requests.exchange import MOST_COLUMNS
from vconsole.tui.widgets.field import Field

T = TypeVar("T")
ESCAPES = {"\\n": "\n", "\\t": "\t"}
# id, label, value at first, placeholder
FIELDS = (
    ("system", "system prompt", "", "none"),
    ("max-tokens", "most tokens", "512", "the server's"),
    ("temperature", "temperature", "", "the model's own"),
    ("top-p", "top p", "", "the model's own"),
    ("stop", "stop words", "", "END, \\n\\n"),
    ("seed", "seed", "", "none"),
    ("samples", "samples", "", "1"),
    ("schema", "JSON schema", "", "file or {…}"),
    ("tools", "tools", "", "file or […]"),
    ("image", "image", "", "file or URL"),
    ("extra", "extra", "", '{"min_p": 0.1}'),
    ("copies", "side by side", "", "1"),
    ("servers", "servers", "", "this one"),
)


@dataclass(frozen=True, slots=True)
class Sending:
    """What the form asks for: the request, how often, and of which servers (none: this one)."""

    request: AskRequest
    copies: int
    servers: tuple[str, ...]


class FieldError(VConsoleError):
    """What a field holds cannot be used; `field` is its id."""

    def __init__(self, field: str, message: str, remedy: str | None = None) -> None:
        super().__init__(message, remedy, ExitCode.USAGE)
        self.field = field


class ParameterForm(Vertical):
    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.raw = False
        self.going_on = False

    def compose(self) -> ComposeResult:
        self.border_title = "Parameters"
        for id, label, value, placeholder in FIELDS:
            with Horizontal(classes="field"):
                yield Label(label)
                yield Field(value, id=id, placeholder=placeholder)
        yield Label("", id="switches", markup=False)

    def on_mount(self) -> None:
        self.show_switches()

    def show_switches(self) -> None:
        kind = "plain completion" if self.raw else "chat"
        turn = "goes on" if self.going_on else "new"
        self.query_one("#switches", Label).update(f"f4 {kind}   f3 {turn}")

    def sending(self, prompt: str, turns: tuple[Turn, ...]) -> Sending:
        """The request as the form has it; raises `FieldError` for what cannot be used."""
        request = AskRequest(
            prompt,
            self._value("system") or None,
            self._read("max-tokens", count_of),
            self._read("temperature", number_of),
            raw=self.raw,
            top_p=self._read("top-p", number_of),
            stop=_words(self._value("stop")),
            seed=self._read("seed", int),
            samples=self._read("samples", count_of) or 1,
            json_schema=self._read("schema", lambda text: json_object(text, "JSON schema")),
            images=tuple(filter(None, [self._value("image")])),
            tools=self._read("tools", tool_list) or (),
            turns=turns,
            extra=self._read("extra", lambda text: json_object(text, "extra parameters")) or {},
        )
        servers = tuple(filter(None, self._value("servers").replace(",", " ").split()))
        copies = self._read("copies", count_of) or 1
        if copies * request.samples * max(1, len(servers)) > MOST_COLUMNS:
            raise FieldError("copies", f"there is room for {MOST_COLUMNS} answers", "ask for fewer")
        return Sending(request, copies, servers)

    def fill(self, request: AskRequest) -> None:
        """The fields as they were for that request."""
        self.raw = request.raw
        values = {
            "system": request.system or "",
            "max-tokens": _written(request.max_tokens),
            "temperature": _written(request.temperature),
            "top-p": _written(request.top_p),
            "stop": ", ".join(_escaped(word) for word in request.stop),
            "seed": _written(request.seed),
            "samples": _written(request.samples if request.samples > 1 else None),
            "schema": _json(request.json_schema),
            "tools": _json(request.tools),
            "image": "".join(request.images[:1]),
            "extra": _json(request.extra),
        }
        for id, value in values.items():
            self.query_one(f"#{id}", Input).value = value
        self.show_switches()

    def _value(self, id: str) -> str:
        return self.query_one(f"#{id}", Input).value.strip()

    def _read(self, id: str, read: Callable[[str], T]) -> T | None:
        text = self._value(id)
        if not text:
            return None
        label = next(label for field, label, *_ in FIELDS if field == id)
        try:
            return read(text)
        except VConsoleError as error:
            raise FieldError(id, f"{label}: {error.message}", error.remedy) from error
        except ValueError as error:
            raise FieldError(id, f"{label}: {text} is no number that can be used") from error


def _words(text: str) -> tuple[str, ...]:
    for written, meant in ESCAPES.items():
        text = text.replace(written, meant)
    return tuple(word for part in text.split(",") if (word := part.strip(" ")))


def _escaped(word: str) -> str:
    for written, meant in ESCAPES.items():
        word = word.replace(meant, written)
    return word


def _written(value: float | None) -> str:
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode() if value else ""
