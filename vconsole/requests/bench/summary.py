"""From single exchanges to what is told of all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import fmean

from vconsole.requests.bench.exchange import Exchange
from vconsole.requests.bench.model import Percentiles, ServiceLevel


def percentile(ascending: Sequence[float], share: float) -> float | None:
    """Between the two nearest values, as numpy's default does; None of nothing."""
    if not ascending:
        return None
    at = share * (len(ascending) - 1)
    below = int(at)
    above = min(below + 1, len(ascending) - 1)
    return ascending[below] + (ascending[above] - ascending[below]) * (at - below)


def percentiles_ms(seconds: Iterable[float]) -> Percentiles:
    values = sorted(each * 1000 for each in seconds)
    if not values:
        return Percentiles()
    return Percentiles(
        percentile(values, 0.5), percentile(values, 0.95), percentile(values, 0.99), fmean(values)
    )


def duration_s(exchanges: Sequence[Exchange], begun_s: float) -> float:
    """From the beginning to the last piece; at least a nanosecond, so that rates are finite."""
    last_s = max((each.pieces_s[-1] for each in exchanges if each.pieces_s), default=begun_s)
    return max(last_s - begun_s, 1e-9)


def is_good(exchange: Exchange, level: ServiceLevel) -> bool:
    """Whether a request kept the level; one of a single token has no second to wait for."""
    if level.ttft_ms is not None and exchange.ttft_s * 1000 > level.ttft_ms:
        return False
    tpot_s = exchange.tpot_s
    return level.itl_ms is None or tpot_s is None or tpot_s * 1000 <= level.itl_ms


def failures(exchanges: Iterable[Exchange]) -> dict[str, int]:
    return dict(Counter(each.failure for each in exchanges if each.failure is not None))
