"""What requests say and answer, as data alone: importing it loads no HTTP client."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from vconsole.errors import ErrorBody

SLOWER = 1.5
# Below this a difference is the machine's mood and not the server's.
NOTICED_MS = 100.0


@dataclass(frozen=True, slots=True)
class Turn:
    """An earlier message of the conversation; `role` is `user` or `assistant`."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class AskRequest:
    """One request to the model, as the Request screen and `vconsole ask` send it.

    `raw` is a plain completion without the chat template. `images` are URLs, `data:` ones among
    them. `samples` is OpenAI's `n`. `json_schema` and `tools` are what OpenAI's API takes;
    `extra` is merged into the body last, for what only this server knows.
    """

    prompt: str
    system: str | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    stream: bool = True
    raw: bool = False
    top_p: float | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    samples: int = 1
    json_schema: dict[str, Any] | None = None
    images: tuple[str, ...] = ()
    tools: tuple[dict[str, Any], ...] = ()
    turns: tuple[Turn, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AskEvent:
    """A piece of an answer, at last `done` with the figures.

    Pieces are `text`, `reasoning` and `tool_call` deltas of the sample `sample` (from 0). A
    `tool_call` names the `call` (from 0) that it belongs to, its `tool` in the first piece, and
    brings its arguments as `text`. `note` says what was done otherwise than asked; `error` ends the
    stream instead of `done` where the server refused or went away.

    `ttft_ms` is the time to the first text or reasoning, known of streams only. `tokens_per_s` is
    over the decode time of all samples, and without a stream over the whole. `itl_ms` is the decode
    time of a sample over its tokens, `itl_p95_ms` of the pauses between the pieces that came.
    Tokens are counted by the server; `cached_tokens` of the prompt came from the prefix cache.
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
    sample: int = 0
    call: int = 0
    tool: str | None = None
    itl_ms: float | None = None
    itl_p95_ms: float | None = None
    cached_tokens: int | None = None
    finish_reasons: tuple[str | None, ...] = ()


@dataclass(frozen=True, slots=True)
class SmokeCheck:
    """One check; `before_ms` is what it took in the last good run, where there is one."""

    name: str
    passed: bool
    ms: float
    detail: str
    before_ms: float | None = None

    @property
    def slower(self) -> bool:
        return self.passed and is_slower(self.ms, self.before_ms)


@dataclass(frozen=True, slots=True)
class SmokeReport:
    """What the smoke test found; `before_*` is the last good run of the same model and engine.

    `slower` names the checks that took half as long again as then, `all` for the whole test.
    """

    passed: bool
    checks: tuple[SmokeCheck, ...]
    seconds: float
    at: datetime
    model: str | None = None
    engine: str | None = None
    before_at: datetime | None = None
    before_seconds: float | None = None
    slower: tuple[str, ...] = ()


def is_slower(ms: float, before_ms: float | None) -> bool:
    """Slower by half, and by so much that it can be told from noise."""
    return before_ms is not None and ms > SLOWER * before_ms and ms - before_ms > NOTICED_MS
