"""The answers of vLLM's HTTP server, reduced to the fields that vconsole uses.

Unknown fields are ignored and missing ones None, so that other versions decode as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import msgspec

# Of vLLM 0.32's finish reasons (v1/engine/__init__.py) those that come with status 200 and no
# answer: a stopped server answers all that it runs so.
BROKEN_OFF = frozenset({"abort", "error"})
_LONGEST_REASON = 600


@dataclass(frozen=True, slots=True)
class ModelCard:
    """One name that the server answers to; `max_model_len` is the length it really uses."""

    id: str
    max_model_len: int | None = None
    root: str | None = None
    owned_by: str | None = None


@dataclass(frozen=True, slots=True)
class ModelList:
    data: tuple[ModelCard, ...]


@dataclass(frozen=True, slots=True)
class Version:
    version: str


@dataclass(frozen=True, slots=True)
class Tokens:
    tokens: tuple[int, ...]
    max_model_len: int | None = None


@dataclass(frozen=True, slots=True)
class Detokenized:
    prompt: str


@dataclass(frozen=True, slots=True)
class Function:
    name: str | None = None
    arguments: str | None = None


@dataclass(frozen=True, slots=True)
class CalledTool:
    """A call of a tool, or the piece of one that a stream brings."""

    index: int | None = None
    function: Function | None = None


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The same with its place made sure of: whole messages have no index in their calls."""

    index: int
    name: str | None
    arguments: str


@dataclass(frozen=True, slots=True)
class Message:
    """A chat message, or the piece of one that a stream brings; newer servers say `reasoning`."""

    content: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    tool_calls: tuple[CalledTool, ...] | None = None

    @property
    def thinking(self) -> str:
        return self.reasoning or self.reasoning_content or ""


@dataclass(frozen=True, slots=True)
class Choice:
    """`text` is of completions, `message` of chats, `delta` of streamed chats."""

    index: int = 0
    text: str | None = None
    message: Message | None = None
    delta: Message | None = None
    finish_reason: str | None = None

    @property
    def content(self) -> str:
        piece = self.message or self.delta
        return self.text or (piece.content if piece else "") or ""

    @property
    def thinking(self) -> str:
        piece = self.message or self.delta
        return piece.thinking if piece else ""

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        piece = self.message or self.delta
        return tuple(
            ToolCall(
                place if call.index is None else call.index,
                call.function.name,
                call.function.arguments or "",
            )
            for place, call in enumerate((piece.tool_calls if piece else None) or ())
            if call.function is not None
        )


@dataclass(frozen=True, slots=True)
class PromptDetails:
    cached_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """`prompt_tokens_details` comes where vLLM runs with `--enable-prompt-tokens-details`."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: PromptDetails | None = None

    @property
    def cached_tokens(self) -> int | None:
        return self.prompt_tokens_details.cached_tokens if self.prompt_tokens_details else None


@dataclass(frozen=True, slots=True)
class ErrorDetail:
    message: str = ""
    code: int | str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """A completion, a chat completion, or one event of their streams.

    The last event of a stream has the usage and no choice; an error in mid-stream comes as one too.
    """

    choices: tuple[Choice, ...] = ()
    usage: Usage | None = None
    error: ErrorDetail | str | None = None

    @property
    def choice(self) -> Choice:
        return self.choices[0] if self.choices else Choice()

    @property
    def completion_tokens(self) -> int:
        return (self.usage.completion_tokens if self.usage else None) or 0


@dataclass(frozen=True, slots=True)
class _Refusal:
    """The forms that errors had over the versions; `detail` is FastAPI's own."""

    error: ErrorDetail | str | None = None
    message: str | None = None
    detail: Any = None


def refusal_reason(status: int, payload: bytes) -> str:
    """Why the server refused, in its own words; the words of HTTP where it gave none."""
    try:
        refusal = msgspec.json.decode(payload, type=_Refusal)
    except msgspec.MsgspecError:
        text = payload.decode("utf-8", "replace")
    else:
        text = error_text(refusal.error) or refusal.message or str(refusal.detail or "")
    text = text.strip()[:_LONGEST_REASON]
    return text or _status_phrase(status)


def error_text(error: ErrorDetail | str | None) -> str:
    return error.message if isinstance(error, ErrorDetail) else error or ""


def _status_phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"HTTP status {status}"
