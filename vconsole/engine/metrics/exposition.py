"""vLLM's `/metrics`: the families that vconsole uses, read from the Prometheus text.

Names are those of vLLM 0.32 (v1/metrics/loggers.py), with those of older versions, from 0.6 on,
mapped onto them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache

from vconsole.engine.metrics.figures import Histogram, Scrape, Sum
from vconsole.engine.metrics.sample_text import LARGEST_COUNT, Labels, SampleReader, Samples

# Newest name first: for some releases vLLM wrote the old and the new one side by side.
RUNNING = ("vllm:num_requests_running",)
WAITING = ("vllm:num_requests_waiting",)
WAITING_BY_REASON = ("vllm:num_requests_waiting_by_reason",)
KV_USAGE = ("vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc")
CACHE_CONFIG = ("vllm:cache_config_info",)
PROMPT_TOKENS = ("vllm:prompt_tokens_total",)
GENERATION_TOKENS = ("vllm:generation_tokens_total",)
FINISHED = ("vllm:request_success_total",)
PREEMPTIONS = ("vllm:num_preemptions_total",)
PREFIX_QUERIES = ("vllm:prefix_cache_queries_total", "vllm:gpu_prefix_cache_queries_total")
PREFIX_HITS = ("vllm:prefix_cache_hits_total", "vllm:gpu_prefix_cache_hits_total")
PREFIX_HIT_RATE = ("vllm:gpu_prefix_cache_hit_rate",)
SPEC_DRAFTED = ("vllm:spec_decode_num_draft_tokens_total",)
SPEC_ACCEPTED = ("vllm:spec_decode_num_accepted_tokens_total",)
TTFT = ("vllm:time_to_first_token_seconds",)
ITL = ("vllm:inter_token_latency_seconds", "vllm:time_per_output_token_seconds")
E2E = ("vllm:e2e_request_latency_seconds",)
REQUEST_PROMPT = ("vllm:request_prompt_tokens",)
REQUEST_GENERATION = ("vllm:request_generation_tokens",)
# A histogram in spite of its name.
STEP_TOKENS = ("vllm:iteration_tokens_total",)
PREFILL = ("vllm:request_prefill_time_seconds",)
DECODE = ("vllm:request_decode_time_seconds",)
# Of prometheus-fastapi-instrumentator, which vLLM wraps its API in.
ANSWERS = ("http_requests_total",)
STARTED_AT = ("process_start_time_seconds",)

_COUNTERS = (
    PROMPT_TOKENS
    + GENERATION_TOKENS
    + FINISHED
    + PREEMPTIONS
    + PREFIX_QUERIES
    + PREFIX_HITS
    + ANSWERS
)
_SPECULATION = SPEC_DRAFTED + SPEC_ACCEPTED
_STATES = RUNNING + WAITING + WAITING_BY_REASON + KV_USAGE + CACHE_CONFIG + STARTED_AT
_SHARES = PREFIX_HIT_RATE
_HISTOGRAMS = TTFT + ITL + E2E + REQUEST_PROMPT + REQUEST_GENERATION
_SUMS = STEP_TOKENS + PREFILL + DECODE
_PARTS = (
    *(f"{name}_{part}" for name in _HISTOGRAMS for part in ("bucket", "sum")),
    *(f"{name}_{part}" for name in _SUMS for part in ("count", "sum")),
)
_WANTED = frozenset((*_STATES, *_SHARES, *_COUNTERS, *_SPECULATION, *_PARTS))
_BOOLEANS = {"True": True, "False": False}


class MetricsReader:
    """Reads the bodies of one server, each faster than one alone."""

    def __init__(self) -> None:
        self._reader = SampleReader(_WANTED)

    def read(self, body: str | bytes) -> Scrape:
        """The wanted families of one body; what cannot be read is left out, never an error."""
        text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
        return _scrape(self._reader.read(text))


def parse(body: str | bytes) -> Scrape:
    """Read one body alone."""
    return MetricsReader().read(body)


def _scrape(samples: Samples) -> Scrape:
    return Scrape(
        requests_running=_sum(samples, RUNNING),
        requests_waiting=_sum(samples, WAITING),
        waiting_by_reason=_by_label(samples, WAITING_BY_REASON, "reason"),
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
        prefix_cache_hit_rate=_mean(samples, PREFIX_HIT_RATE),
        spec_draft_tokens=_sum(samples, SPEC_DRAFTED),
        spec_accepted_tokens=_sum(samples, SPEC_ACCEPTED),
        ttft=_histogram(samples, TTFT),
        itl=_histogram(samples, ITL),
        e2e=_histogram(samples, E2E),
        request_prompt_tokens=_histogram(samples, REQUEST_PROMPT),
        request_generation_tokens=_histogram(samples, REQUEST_GENERATION),
        steps=_total(samples, STEP_TOKENS),
        prefill=_total(samples, PREFILL),
        decode=_total(samples, DECODE),
        answers_by_status=_answers(samples),
        started_at_s=_sum(samples, STARTED_AT),
    )


def _first(samples: Samples, names: Iterable[str]) -> Sequence[tuple[Labels, float]]:
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


def _answers(samples: Samples) -> dict[str, float] | None:
    """None of a version that counts none; without its first answer there is no series either."""
    if not _first(samples, ANSWERS):
        return None
    sums: dict[str, float] = {}
    for labels, value in _first(samples, ANSWERS):
        if labels.get("method") == "POST" and labels.get("handler", "").startswith("/v1/"):
            status = labels.get("status", "")
            sums[status] = sums.get(status, 0.0) + value
    return sums


def _histogram(samples: Samples, names: Iterable[str]) -> Histogram | None:
    by_bound: dict[float, float] = {}
    for labels, count in _first(samples, [f"{name}_bucket" for name in names]):
        bound = _bound(labels.get("le", ""))
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


def _total(samples: Samples, names: Iterable[str]) -> Sum | None:
    total = _sum(samples, [f"{name}_sum" for name in names])
    count = _sum(samples, [f"{name}_count" for name in names])
    return None if total is None or count is None else Sum(total, count)


def _kv_cache_tokens(samples: Samples) -> int | None:
    """Tokens that the KV cache holds, as vLLM says it, else blocks times their size."""
    sizes = [_engine_kv_tokens(labels) for labels, _ in _first(samples, CACHE_CONFIG)]
    known = [size for size in sizes if size is not None]
    return sum(known) if known and len(known) == len(sizes) else None


def _engine_kv_tokens(labels: Labels) -> int | None:
    tokens = _tokens(labels.get("kv_cache_size_tokens", ""))
    if tokens is not None:
        return tokens
    blocks = _tokens(labels.get("num_gpu_blocks", ""))
    block_size = _tokens(labels.get("block_size", ""))
    return None if blocks is None or block_size is None else blocks * block_size


def _cache_config(samples: Samples) -> Labels:
    """The labels of the first engine's configuration; the others are configured alike."""
    return next((labels for labels, _ in _first(samples, CACHE_CONFIG)), {})


def _tokens(text: str) -> int | None:
    number = _number(text)
    return int(number) if number is not None and 0 < number <= LARGEST_COUNT else None


@lru_cache(maxsize=512)
def _bound(text: str) -> float | None:
    return _number(text)


def _number(text: str) -> float | None:
    """A label's number; None for vLLM's "None" and for anything else that is none."""
    try:
        number = float(text)
    except ValueError:
        return None
    return None if math.isnan(number) else number
