"""Percentiles of what a histogram counted between two readings of it."""

from __future__ import annotations

import math

from vconsole.engine.metrics.figures import Bound, Histogram, Quantiles


def between(before: Histogram | None, after: Histogram | None) -> Quantiles:
    """Percentiles and true mean of what came between, in milliseconds of a family in seconds."""
    counts = increase(before, after)
    if before is None or after is None or counts is None or counts[-1] <= 0:
        return Quantiles()
    p50, p95, p99 = (_latency(q, after.bounds, counts) for q in (0.50, 0.95, 0.99))
    mean_ms = _ms((after.total - before.total) / counts[-1])
    return Quantiles(p50[0], p95[0], p99[0], mean_ms, p50[1], p95[1], p99[1])


def increase(before: Histogram | None, after: Histogram | None) -> tuple[float, ...] | None:
    """The cumulative counts of what came between; None where the two cannot be compared."""
    if before is None or after is None or before.bounds != after.bounds:
        return None
    return tuple(new - old for new, old in zip(after.counts, before.counts, strict=True))


def largest(bounds: tuple[float, ...], counts: tuple[float, ...]) -> float | None:
    """The bound that no observation lay above; None where there is none, or no observation."""
    if counts[-1] <= 0:
        return None
    bound = next(b for b, count in zip(bounds, counts, strict=True) if count >= counts[-1])
    return bound if math.isfinite(bound) else None


def quantile(q: float, bounds: tuple[float, ...], counts: tuple[float, ...]) -> float | None:
    """The value below which the share `q` of the observations lies, linear within its bucket.

    The arithmetic of Prometheus's `histogram_quantile` (bucketQuantile in promql/quantile.go): the
    first bucket begins at 0, and beyond the last finite bound that bound is the answer.
    `counts` are cumulative, `bounds` ascend and end with infinity; None without observations.
    """
    if len(bounds) < 2 or counts[-1] <= 0:
        return None
    at = _bucket(q, counts)
    if at == len(counts) - 1:
        return bounds[-2]
    if at == 0 and bounds[0] <= 0:
        return bounds[0]
    start, below = (bounds[at - 1], counts[at - 1]) if at else (0.0, 0.0)
    in_bucket = counts[at] - below
    rank = q * counts[-1]
    return start + (bounds[at] - start) * (rank - below) / in_bucket if in_bucket else start


def _latency(
    q: float, bounds: tuple[float, ...], counts: tuple[float, ...]
) -> tuple[float | None, Bound | None]:
    """A percentile in milliseconds; where a line through its bucket would be a guess, its bound."""
    if len(bounds) < 2:
        return None, None
    at = _bucket(q, counts)
    if at == 0:
        return _ms(bounds[0]), Bound.AT_MOST
    bound = Bound.AT_LEAST if at == len(counts) - 1 else None
    return _ms(quantile(q, bounds, counts)), bound


def _bucket(q: float, counts: tuple[float, ...]) -> int:
    rank = q * counts[-1]
    return next((i for i, count in enumerate(counts[:-1]) if count >= rank), len(counts) - 1)


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None or not math.isfinite(seconds) else seconds * 1000
