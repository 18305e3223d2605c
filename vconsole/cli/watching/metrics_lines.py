"""The figures of one server's engine, as `status` prints them."""

from __future__ import annotations

from vconsole.cli.output import figure, percent
from vconsole.engine.metrics.figures import Bound, Metrics, Quantiles

BOUNDS = {None: "", Bound.AT_MOST: "<= ", Bound.AT_LEAST: ">= "}


def metrics_lines(metrics: Metrics) -> list[str]:
    """Load, cache, and how long users wait, each wait in the last minute and the last ten."""
    lines = [
        f"  requests {figure(metrics.requests_running)} running, "
        f"{figure(metrics.requests_waiting)} waiting, {figure(metrics.requests_per_s, '/s', 1)}",
        f"  tokens   {figure(metrics.generation_tokens_per_s)}/s generated, "
        f"{figure(metrics.prompt_tokens_per_s)}/s of prompts, "
        f"{figure(metrics.batch_size, digits=1)} a step{_efficiency(metrics)}",
        f"  KV cache {percent(metrics.kv_cache_usage)} of "
        f"{figure(metrics.kv_cache_tokens)} tokens, "
        f"prefix hits {percent(metrics.prefix_cache_hit_rate)}, "
        f"{figure(metrics.preemptions)} preempted",
    ]
    waits = (
        ("TTFT", metrics.ttft_ms, metrics.ttft_10min_ms, 0),
        ("ITL ", metrics.itl_ms, metrics.itl_10min_ms, 1),
        ("E2E ", metrics.e2e_ms, metrics.e2e_10min_ms, 0),
    )
    return lines + [_waits_line(*wait) for wait in waits]


def _waits_line(name: str, minute: Quantiles, ten: Quantiles, digits: int) -> str:
    return f"  {name}     {_waits(minute, digits)} ms (1 min);  {_waits(ten, digits)} ms (10 min)"


def _waits(waits: Quantiles, digits: int) -> str:
    """Percentiles and the true mean; one that is only a bucket's bound says so."""
    parts = (
        ("p50", waits.p50, waits.p50_bound),
        ("p95", waits.p95, waits.p95_bound),
        ("p99", waits.p99, waits.p99_bound),
        ("mean", waits.mean, None),
    )
    return " ".join(f"{n} {BOUNDS[bound]}{figure(v, digits=digits)}" for n, v, bound in parts)


def _efficiency(metrics: Metrics) -> str:
    joule = metrics.tokens_per_joule
    accepted = metrics.spec_acceptance
    words = "" if joule is None else f", {figure(joule, digits=2)} a joule"
    return words if accepted is None else f"{words}, {percent(accepted)} of drafts accepted"
