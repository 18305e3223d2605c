"""One second of one server as a `Sample`: what its engine said, and what its cards did."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from vconsole.engine.metrics.figures import Metrics
from vconsole.host.readings import Gpu
from vconsole.supervisor.model import Sample


def sample_of(at: datetime, metrics: Metrics, gpus: Sequence[Gpu]) -> Sample:
    """`gpus` are the cards that the server runs on: their load is a mean, all else a sum."""
    utilization = _sum(gpu.utilization for gpu in gpus)
    return Sample(
        at=at,
        requests_running=metrics.requests_running,
        requests_waiting=metrics.requests_waiting,
        kv_cache_usage=metrics.kv_cache_usage,
        generation_tokens_per_s=metrics.generation_tokens_per_s,
        prompt_tokens_per_s=metrics.prompt_tokens_per_s,
        requests_per_s=metrics.requests_per_s,
        batch_size=metrics.batch_size,
        gpu_utilization=None if utilization is None else utilization / len(gpus),
        gpu_power_w=_sum(gpu.power_w for gpu in gpus),
        gpu_memory_used_bytes=_sum(gpu.memory_used_bytes for gpu in gpus),
    )


def with_efficiency(metrics: Metrics, power_w: float | None) -> Metrics:
    """The metrics with what a joule gave, where the cards tell what they draw."""
    tokens_per_s = metrics.generation_tokens_per_s
    if tokens_per_s is None or not power_w:
        return metrics
    return replace(metrics, tokens_per_joule=tokens_per_s / power_w)


def _sum(values: Iterable[float | None]) -> float | None:
    """None where a card does not say, and where there is no card."""
    found = list(values)
    known = [value for value in found if value is not None]
    return float(sum(known)) if known and len(known) == len(found) else None
