"""vLLM's `/metrics`: the families that vconsole uses, read from the Prometheus text.

`parse` makes a `Scrape` of one body; `Metrics` is what two or more scrapes mean.
Names are those of vLLM 0.32 (v1/metrics/loggers.py), with older names mapped onto them.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Latency of the last minute, in milliseconds."""

    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    mean: float | None = None


@dataclass(frozen=True, slots=True)
class Metrics:
    """The state of one server's engine at its last scrape; None is unknown."""

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
