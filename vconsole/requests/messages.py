"""What requests say and answer, as data alone: importing it loads no HTTP client."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from vconsole.errors import ErrorBody


@dataclass(frozen=True, slots=True)
class AskRequest:
    """One request to the model, as the Request screen and `vconsole ask` send it."""

    prompt: str
    system: str | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    stream: bool = True


@dataclass(frozen=True, slots=True)
class AskEvent:
    """A piece of an answer: `text` or `reasoning` deltas, at last `done` with the figures.

    `note` says what was done otherwise than asked; `error` ends the stream instead of `done` where
    the server refused or went away. `ttft_ms` is the time to the first text or reasoning, known of
    streams only. `tokens_per_s` is over the decode time, and without a stream over the whole.
    """

    kind: str
    text: str = ""
    finish_reason: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    ttft_ms: float | None = None
    total_ms: float | None = None
    tokens_per_s: float | None = None
    error: ErrorBody | None = None


@dataclass(frozen=True, slots=True)
class SmokeCheck:
    name: str
    passed: bool
    ms: float
    detail: str


@dataclass(frozen=True, slots=True)
class SmokeReport:
    passed: bool
    checks: tuple[SmokeCheck, ...]
    seconds: float
    at: datetime
