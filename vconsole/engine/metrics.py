"""vLLM's `/metrics`: the families that vconsole uses, read from the Prometheus text.

`parse` makes a `Scrape` of one body; `Metrics` is what two or more scrapes mean.
Names are those of vLLM 0.32 (v1/metrics/loggers.py), with older names mapped onto them.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Latency of the last minute, in milliseconds."""

    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    mean: float | None = None


@dataclass(frozen=True, slots=True)
class Metrics:
    """The state of one server's engine at its last scrape; None is unknown.

    Rates are means of the last five seconds, `instant_generation_tokens_per_s` of the last scrape
    interval alone (for graphs). `requests_per_s` counts finished requests as vLLM does: without
    those whose client went away (0.32). `preemptions` counts since the server started.
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
class Scrape:
    """One body of `/metrics`; a family that it lacks is None.

    Series of several engines and models are added up, but `kv_cache_usage` is their mean, so that
    it stays the used share of `kv_cache_tokens` (data-parallel engines are sized alike).
    """

    requests_running: float | None = None
    requests_waiting: float | None = None
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
    spec_draft_tokens: float | None = None
    spec_accepted_tokens: float | None = None
    ttft: Histogram | None = None
    itl: Histogram | None = None
    e2e: Histogram | None = None
    started_at_s: float | None = None
    """Start of vLLM's API server (Unix time); another value is another process."""

    @property
    def requests_finished(self) -> float | None:
        return sum(self.finished_by_reason.values()) if self.finished_by_reason else None


Samples = Mapping[str, list[tuple[Mapping[str, str], float]]]

# Newest name first: for some releases vLLM wrote the old and the new one side by side.
RUNNING = ("vllm:num_requests_running",)
WAITING = ("vllm:num_requests_waiting",)
KV_USAGE = ("vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc")
CACHE_CONFIG = ("vllm:cache_config_info",)
PROMPT_TOKENS = ("vllm:prompt_tokens_total",)
GENERATION_TOKENS = ("vllm:generation_tokens_total",)
FINISHED = ("vllm:request_success_total",)
PREEMPTIONS = ("vllm:num_preemptions_total",)
PREFIX_QUERIES = ("vllm:prefix_cache_queries_total", "vllm:gpu_prefix_cache_queries_total")
PREFIX_HITS = ("vllm:prefix_cache_hits_total", "vllm:gpu_prefix_cache_hits_total")
SPEC_DRAFTED = ("vllm:spec_decode_num_draft_tokens_total",)
SPEC_ACCEPTED = ("vllm:spec_decode_num_accepted_tokens_total",)
TTFT = ("vllm:time_to_first_token_seconds",)
ITL = ("vllm:inter_token_latency_seconds", "vllm:time_per_output_token_seconds")
E2E = ("vllm:e2e_request_latency_seconds",)
STARTED_AT = ("process_start_time_seconds",)

_COUNTERS = (
    PROMPT_TOKENS + GENERATION_TOKENS + FINISHED + PREEMPTIONS + PREFIX_QUERIES + PREFIX_HITS
)
_SPECULATION = SPEC_DRAFTED + SPEC_ACCEPTED
_STATES = RUNNING + WAITING + KV_USAGE + CACHE_CONFIG + STARTED_AT
_HISTOGRAMS = (f"{name}_{part}" for name in TTFT + ITL + E2E for part in ("bucket", "sum"))
_WANTED = frozenset((*_STATES, *_COUNTERS, *_SPECULATION, *_HISTOGRAMS))
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(r"\\(.)")
_LARGEST_COUNT = 2**53
_BOOLEANS = {"True": True, "False": False}


def parse(body: str | bytes) -> Scrape:
    """Read the wanted families of one body; whatever cannot be read is left out, never an error.

    Text format: https://prometheus.io/docs/instrumenting/exposition_formats/
    """
    samples = _samples(body.decode("utf-8", "replace") if isinstance(body, bytes) else body)
    return Scrape(
        requests_running=_sum(samples, RUNNING),
        requests_waiting=_sum(samples, WAITING),
        kv_cache_usage=_mean(samples, KV_USAGE),
        kv_cache_tokens=_kv_cache_tokens(samples),
        kv_block_tokens=_tokens(_cache_config(samples).get("block_size", "")),
        prefix_caching=_BOOLEANS.get(_cache_config(samples).get("enable_prefix_caching", "")),
        prompt_tokens=_sum(samples, PROMPT_TOKENS),
        generation_tokens=_sum(samples, GENERATION_TOKENS),
        finished_by_reason=_by_label(samples, FINISHED, "finished_reason"),
        preemptions=_sum(samples, PREEMPTIONS),
        prefix_cache_queries=_sum(samples, PREFIX_QUERIES),
        prefix_cache_hits=_sum(samples, PREFIX_HITS),
        spec_draft_tokens=_sum(samples, SPEC_DRAFTED),
        spec_accepted_tokens=_sum(samples, SPEC_ACCEPTED),
        ttft=_histogram(samples, TTFT),
        itl=_histogram(samples, ITL),
        e2e=_histogram(samples, E2E),
        started_at_s=_sum(samples, STARTED_AT),
    )


def _samples(text: str) -> Samples:
    samples: defaultdict[str, list[tuple[Mapping[str, str], float]]] = defaultdict(list)
    for line in text.split("\n"):
        name, brace, _ = line.partition("{")
        if not brace:
            name = name.partition(" ")[0]
        if name not in _WANTED:
            continue
        series, _, value_text = line.rpartition(" ")
        if brace and not series.endswith("}"):  # the optional timestamp came last
            series, _, value_text = series.rpartition(" ")
        try:
            value = float(value_text)
        except ValueError:
            continue
        if 0 <= value <= _LARGEST_COUNT:  # not NaN, not infinite: every wanted family counts
            samples[name].append((_labels(series), value))
    return samples


# The series of a server stay the same from scrape to scrape; only their values change.
@lru_cache(maxsize=2048)
def _labels(series: str) -> Mapping[str, str]:
    return {name: _ESCAPE.sub(_unescape, value) for name, value in _LABEL.findall(series)}


def _unescape(escape: re.Match[str]) -> str:
    return "\n" if escape[1] == "n" else escape[1]


def _first(samples: Samples, names: Iterable[str]) -> list[tuple[Mapping[str, str], float]]:
    return next((samples[name] for name in names if name in samples), [])


def _sum(samples: Samples, names: Iterable[str]) -> float | None:
    found = _first(samples, names)
    return sum(value for _, value in found) if found else None


def _mean(samples: Samples, names: Iterable[str]) -> float | None:
    found = _first(samples, names)
    return sum(value for _, value in found) / len(found) if found else None


def _by_label(samples: Samples, names: Iterable[str], label: str) -> dict[str, float]:
    sums: dict[str, float] = {}
    for labels, value in _first(samples, names):
        key = labels.get(label, "")
        sums[key] = sums.get(key, 0.0) + value
    return sums


def _histogram(samples: Samples, names: Iterable[str]) -> Histogram | None:
    by_bound: dict[float, float] = {}
    for text, count in _by_label(samples, [f"{name}_bucket" for name in names], "le").items():
        bound = _number(text)
        if bound is not None:
            by_bound[bound] = by_bound.get(bound, 0.0) + count
    if math.inf not in by_bound:
        return None
    bounds = tuple(sorted(by_bound))
    counts, so_far = [], 0.0
    for bound in bounds:
        so_far = max(so_far, by_bound[bound])
        counts.append(so_far)
    total = _sum(samples, [f"{name}_sum" for name in names])
    return None if total is None else Histogram(bounds, tuple(counts), total)


def _kv_cache_tokens(samples: Samples) -> int | None:
    """Tokens that the KV cache holds, as vLLM says it, else blocks times their size."""
    sizes = [_engine_kv_tokens(labels) for labels, _ in _first(samples, CACHE_CONFIG)]
    known = [size for size in sizes if size is not None]
    return sum(known) if known and len(known) == len(sizes) else None


def _engine_kv_tokens(labels: Mapping[str, str]) -> int | None:
    tokens = _tokens(labels.get("kv_cache_size_tokens", ""))
    if tokens is not None:
        return tokens
    blocks = _tokens(labels.get("num_gpu_blocks", ""))
    block_size = _tokens(labels.get("block_size", ""))
    return None if blocks is None or block_size is None else blocks * block_size


def _cache_config(samples: Samples) -> Mapping[str, str]:
    """The labels of the first engine's configuration; the others are configured alike."""
    return next((labels for labels, _ in _first(samples, CACHE_CONFIG)), {})


def _tokens(text: str) -> int | None:
    number = _number(text)
    return int(number) if number is not None and 0 < number <= _LARGEST_COUNT else None


def _number(text: str) -> float | None:
    """A label's number; None for vLLM's "None" and for anything else that is none."""
    try:
        number = float(text)
    except ValueError:
        return None
    return None if math.isnan(number) else number
