"""What a batch is told, what it makes of each line, and what it tells: data alone.

Importing it loads no HTTP client.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

CHAT = "/v1/chat/completions"
COMPLETIONS = "/v1/completions"
EMBEDDINGS = "/v1/embeddings"
PATHS = frozenset({CHAT, COMPLETIONS, EMBEDDINGS})


class Endpoint(StrEnum):
    """Where prompts that are no whole requests go; `AUTO` is a chat where the model has one."""

    AUTO = "auto"
    CHAT = "chat"
    COMPLETIONS = "completions"
    EMBEDDINGS = "embeddings"


@dataclass(frozen=True, slots=True)
class BatchSpec:
    """One batch: files as absolute paths, and how its requests are made and sent.

    `template`, `model`, `system`, `max_tokens`, `temperature` and `endpoint` shape what is made of
    prompts and rows, and so does `extra`, a JSON object of further parameters; in whole requests
    only a missing model is filled in.
    `concurrency` None tunes itself.
    """

    input: str
    output: str
    template: str | None = None
    join: str | None = None
    concurrency: int | None = None
    model: str | None = None
    system: str | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    endpoint: Endpoint = Endpoint.AUTO
    cache: bool = False
    timeout_s: float = 3600.0
    extra: str | None = None

    @property
    def input_path(self) -> Path:
        return Path(self.input)

    @property
    def output_path(self) -> Path:
        return Path(self.output)

    @property
    def errors_path(self) -> Path:
        return beside(self.output_path, ".errors.jsonl")

    @property
    def parameters(self) -> dict[str, object]:
        """What answers depend on, as it is compared when a batch goes on."""
        return {
            "template": self.template,
            "model": self.model,
            "system": self.system,
            "max_tokens": self.max_tokens,
            "temperature": self.temperature,
            "endpoint": self.endpoint.value,
            "extra": self.extra,
        }


def beside(output: Path, ending: str) -> Path:
    """`out.jsonl` with `.errors.jsonl` is `out.errors.jsonl`."""
    stem = output.name.removesuffix(".jsonl")
    return output.with_name(stem + ending)


@dataclass(slots=True)
class Item:
    """One request to send: `key` is its custom_id, `number` its line (1-based).

    With `has_priority` its body sets vLLM's `priority` itself.
    """

    number: int
    key: str
    path: str
    body: bytes
    deterministic: bool = False
    has_priority: bool = False
    attempts: int = 0
    server_seen: object = None
    """The server at whose end it was in flight last, so that each end counts once."""


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that makes no request: `code` is a word for the failures' table."""

    number: int
    code: str
    message: str
    custom_id: str | None = None


@dataclass(slots=True)
class Counts:
    """What became of the lines so far; `truncated` and `empty` are among `completed`.

    `reused` are those that were there when this run began or came from the cache of answers, which
    was asked `cache_asked` times and knew `from_cache` of them.
    """

    completed: int = 0
    failed: int = 0
    reused: int = 0
    truncated: int = 0
    empty: int = 0
    from_cache: int = 0
    cache_asked: int = 0
    retries: int = 0
    prompt_tokens: int = 0
    generation_tokens: int = 0
    failures: dict[str, int] = field(default_factory=dict)

    @property
    def done(self) -> int:
        return self.completed + self.failed

    def fields(self) -> dict[str, Any]:
        """A copy by name, as `Progress` has them."""
        return asdict(self)

    def count_failure(self, code: str) -> None:
        self.failed += 1
        self.failures[code] = self.failures.get(code, 0) + 1


class Phase(StrEnum):
    """What a run is doing."""

    CHECKING = "checking"
    RUNNING = "running"
    WAITING = "waiting"
    PAUSED = "paused"
    JOINING = "joining"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


ENDED = frozenset({Phase.DONE, Phase.CANCELLED, Phase.FAILED})


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is; rates are those of the last `rate_window_s` seconds (ended: of all).

    `note` says what it waits for or why it ended; `remedy` what to do about that.
    """

    phase: Phase
    total: int = 0
    completed: int = 0
    failed: int = 0
    reused: int = 0
    truncated: int = 0
    empty: int = 0
    from_cache: int = 0
    cache_asked: int = 0
    retries: int = 0
    in_flight: int = 0
    concurrency: int = 0
    prompt_tokens: int = 0
    generation_tokens: int = 0
    requests_per_s: float | None = None
    generation_tokens_per_s: float | None = None
    rate_window_s: float | None = None
    eta_s: float | None = None
    seconds: float = 0.0
    first_request_s: float | None = None
    failures: Mapping[str, int] = field(default_factory=dict)
    note: str | None = None
    remedy: str | None = None

    @property
    def done(self) -> int:
        return self.completed + self.failed

    @property
    def were_there(self) -> int:
        """Of those that were reused, the ones that an earlier run of the same files had done."""
        return self.reused - self.from_cache

    @property
    def cache_hit_rate(self) -> float | None:
        """The share of what the cache was asked for that it knew; None where it was not asked."""
        return self.from_cache / self.cache_asked if self.cache_asked else None


@dataclass(frozen=True, slots=True)
class Directive:
    """What a run is told from outside, at any time: the server, and whether to go on.

    `share` of the concurrency that the server takes is this run's, so that several share it.
    `concurrency` None is that of the spec, 0 tunes itself.
    `priority` is vLLM's, put into each request, lower going first; 0 puts none.
    """

    url: str | None = None
    paused: bool = False
    cancelled: bool = False
    share: float = 1.0
    api_key: str | None = None
    concurrency: int | None = None
    priority: int = 0
