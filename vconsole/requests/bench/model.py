"""What is measured, under which load, and what came out: data alone, fields only ever added.

Importing it loads no HTTP client. Times are milliseconds (`_ms`) or seconds (`_s`), rates per
second, shares 0 to 1; unknown is None.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

CHAT = "/v1/chat/completions"
COMPLETIONS = "/v1/completions"


@dataclass(frozen=True, slots=True)
class Target:
    """One OpenAI-compatible server (a trailing `/v1` of `url` is dropped); `model` None asks it."""

    name: str
    url: str
    model: str | None = None
    api_key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Lengths:
    """Wanted tokens of one request: of its prompt and of its answer."""

    prompt_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Prompt:
    """One request without its model, and what its answer is scored by, where that is known.

    `body` is what the server gets at `path`; `output_tokens` bounds the answer. `schema` is a JSON
    schema that the answer is to obey, `reference` the answer that is right.
    """

    path: str
    body: Mapping[str, Any]
    output_tokens: int | None = None
    schema: Mapping[str, Any] | None = None
    reference: str | None = None
    key: str = ""


@dataclass(frozen=True, slots=True)
class Workload:
    """Prompts that are sent in this order, again from the first when they run out.

    With `exact_output` an answer is as long as its `output_tokens` say, whatever the model would
    end it with (`ignore_eos`). `origin` says in words where the prompts are from.
    """

    prompts: tuple[Prompt, ...]
    exact_output: bool = True
    temperature: float | None = 0.0
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Load:
    """`concurrency` requests in flight at most; `rate_per_s` lets them arrive (Poisson) as well.

    Without a rate a request follows as soon as one has ended (closed loop), with one they arrive by
    chance of that mean (open loop), `seed` making it the same chance again; None then is no limit.
    `warm_up` requests come first and are not counted.
    """

    concurrency: int | None = 1
    rate_per_s: float | None = None
    requests: int = 64
    warm_up: int = 0
    seed: int = 0
    timeout_s: float = 600.0


@dataclass(frozen=True, slots=True)
class ServiceLevel:
    """A request is good that got its first token and, in the mean, each further one in time."""

    ttft_ms: float | None = None
    itl_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Percentiles:
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    mean: float | None = None


class Warmth(StrEnum):
    """Whether the server saw the very prompts before (and may have cached their prefixes)."""

    COLD = "cold"
    WARM = "warm"


@dataclass(frozen=True, slots=True)
class ClientShare:
    """What the measuring itself took: `limited` says why the figures may be the client's own."""

    cpu_share: float
    """Processor time of this process by the time that passed: 1 is a whole core."""
    lag_p99_ms: float | None = None
    """How late its event loop came to what was due."""
    limited: str | None = None


@dataclass(frozen=True, slots=True)
class ServerView:
    """What the server's own `/metrics` says of the same span; None where it has none of vLLM's."""

    ttft_ms: Percentiles = Percentiles()
    itl_ms: Percentiles = Percentiles()
    e2e_ms: Percentiles = Percentiles()
    prompt_tokens: float | None = None
    generation_tokens: float | None = None
    requests: float | None = None
    prefix_cache_hit_rate: float | None = None
    preemptions: float | None = None
    spec_acceptance: float | None = None
    requests_running_max: float | None = None
    kv_cache_usage_max: float | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """One load on one target. A percentile of which there is nothing to say is None.

    TTFT is from the request's sending to the first piece of its answer; ITL each wait between two
    pieces; TPOT of one request the rest of its time by the rest of its tokens; E2E all of it.
    Rates count what succeeded, over the time from the first sending to the last answer.
    """

    target: str
    url: str
    model: str
    load: Load
    requests: int
    failed: int
    duration_s: float
    requests_per_s: float
    generation_tokens_per_s: float
    prompt_tokens_per_s: float
    prompt_tokens: int
    generation_tokens: int
    ttft_ms: Percentiles
    itl_ms: Percentiles
    tpot_ms: Percentiles
    e2e_ms: Percentiles
    client: ClientShare
    begun_at: datetime
    failures: Mapping[str, int] = field(default_factory=dict)
    """How many failed, by a word for the kind: `timeout`, `http_400`, `unreachable`, ..."""
    first_failure: str | None = None
    level: ServiceLevel | None = None
    goodput_per_s: float | None = None
    """Requests per second that kept the level; None without one."""
    good_share: float | None = None
    server: ServerView | None = None
    energy_j: float | None = None
    energy_note: str | None = None
    """Why the energy is unknown."""
    warmth: Warmth = Warmth.COLD
    repeat: int = 0

    @property
    def concurrency(self) -> int | None:
        return self.load.concurrency


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one `measure` is."""

    done: int
    total: int
    failed: int
    warming_up: bool = False


class Verdict(StrEnum):
    """`HIGHER` and `LOWER` are of b against a, beyond the noise."""

    HIGHER = "higher"
    LOWER = "lower"
    NO_DIFFERENCE = "no difference beyond the noise"
    TOO_FEW = "too few repeats to tell"


@dataclass(frozen=True, slots=True)
class Difference:
    """b by a in one figure: `ratio` with the 95 % interval of its truth, of `repeats` each."""

    figure: str
    verdict: Verdict
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    repeats: int = 0
    higher_is_better: bool = True

    @property
    def better(self) -> bool | None:
        """Whether b is better than a; None where that cannot be said."""
        if self.verdict not in {Verdict.HIGHER, Verdict.LOWER}:
            return None
        return (self.verdict is Verdict.HIGHER) is self.higher_is_better
