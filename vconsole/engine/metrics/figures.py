"""What vLLM's `/metrics` says: a `Scrape` is one body of it, `Metrics` what two or more mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Bound(StrEnum):
    """A percentile of which only this is known: it lies beyond the histogram's finest bucket."""

    AT_MOST = "at_most"
    AT_LEAST = "at_least"


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Latency of a span of time, in milliseconds; `mean` is the true one, of sum and count.

    A percentile in the first or last bucket of its histogram is that bucket's bound, and its
    `_bound` says on which side of it the truth lies.
    """

    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    mean: float | None = None
    p50_bound: Bound | None = None
    p95_bound: Bound | None = None
    p99_bound: Bound | None = None


@dataclass(frozen=True, slots=True)
class Metrics:
    """The state of one server's engine at its last scrape; None is unknown.

    Rates are means of the last five seconds, `instant_generation_tokens_per_s` of the last scrape
    interval alone (for graphs). `requests_per_s` counts finished requests as vLLM does: without
    those whose client went away (0.32). `preemptions` counts since the server started. Latencies
    and shares are of the last minute, those named `_10min` of the last ten.
    """

    requests_running: float | None = None
    requests_waiting: float | None = None
    kv_cache_usage: float | None = None
    kv_cache_tokens: int | None = None
    prompt_tokens_per_s: float | None = None
    generation_tokens_per_s: float | None = None
    requests_per_s: float | None = None
    prefix_cache_hit_rate: float | None = None
    preemptions: float | None = None
    ttft_ms: Quantiles = field(default_factory=Quantiles)
    itl_ms: Quantiles = field(default_factory=Quantiles)
    e2e_ms: Quantiles = field(default_factory=Quantiles)
    spec_acceptance: float | None = None
    sample_age_s: float | None = None
    instant_generation_tokens_per_s: float | None = None
    ttft_10min_ms: Quantiles = field(default_factory=Quantiles)
    itl_10min_ms: Quantiles = field(default_factory=Quantiles)
    e2e_10min_ms: Quantiles = field(default_factory=Quantiles)
    waiting_by_reason: dict[str, float] = field(default_factory=dict)
    batch_size: float | None = None
    """Tokens generated in a mean step of the last minute: requests in it, without speculation."""
    step_tokens: float | None = None
    """Tokens computed in a mean step of the last minute, those of prompts among them."""
    prefix_caching: bool | None = None
    preemptions_10min: float | None = None
    prefill_ms: float | None = None
    """Mean time that a request of the last minute took to read its prompt."""
    decode_ms: float | None = None
    """Mean time that a request of the last minute took from its first token to its last."""
    finished_10min: float | None = None
    prompt_tokens_mean_10min: float | None = None
    longest_request_tokens_10min: float | None = None
    """No request of the last ten minutes had more tokens, its prompt and its answer together."""
    tokens_per_joule: float | None = None
    """Generated tokens by what the server's cards drew meanwhile."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """Observations since the server started: `counts[i]` of them were at most `bounds[i]`.

    Bounds ascend and end with infinity, counts never fall.
    """

    bounds: tuple[float, ...]
    counts: tuple[float, ...]
    total: float
    """Sum of all observed values, in the family's unit (seconds)."""

    @property
    def count(self) -> float:
        return self.counts[-1]


@dataclass(frozen=True, slots=True)
class Sum:
    """A histogram of which only the mean is asked for: the sum of its values, and their number."""

    total: float
    count: float


@dataclass(frozen=True, slots=True)
class Scrape:
    """One body of `/metrics`; a family that it lacks is None.

    Series of several engines and models are added up, but `kv_cache_usage` is their mean, so that
    it stays the used share of `kv_cache_tokens` (data-parallel engines are sized alike).
    """

    requests_running: float | None = None
    requests_waiting: float | None = None
    waiting_by_reason: Mapping[str, float] = field(default_factory=dict)
    kv_cache_usage: float | None = None
    kv_cache_tokens: int | None = None
    kv_block_tokens: int | None = None
    prefix_caching: bool | None = None
    prompt_tokens: float | None = None
    generation_tokens: float | None = None
    finished_by_reason: Mapping[str, float] = field(default_factory=dict)
    preemptions: float | None = None
    prefix_cache_queries: float | None = None
    prefix_cache_hits: float | None = None
    prefix_cache_hit_rate: float | None = None
    """Before 0.8 there are no counters of it, but a share since the server started."""
    spec_draft_tokens: float | None = None
    spec_accepted_tokens: float | None = None
    ttft: Histogram | None = None
    itl: Histogram | None = None
    e2e: Histogram | None = None
    request_prompt_tokens: Histogram | None = None
    request_generation_tokens: Histogram | None = None
    steps: Sum | None = None
    """Steps of the engine, and the tokens computed in them."""
    prefill: Sum | None = None
    decode: Sum | None = None
    answers_by_status: Mapping[str, float] | None = None
    """Answers to posts under /v1, by `2xx`, `4xx`, `5xx`."""
    started_at_s: float | None = None
    """Start of vLLM's API server (Unix time); another value is another process."""

    @property
    def requests_finished(self) -> float | None:
        return sum(self.finished_by_reason.values()) if self.finished_by_reason else None
