"""How one series of measurements stands against another, under the service level.

A setting that keeps the level goes before one that does not; between equals throughput decides,
beyond the noise only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from vconsole.requests.bench.compare import compare
from vconsole.requests.bench.model import Difference, Measured
from vconsole.supervisor.tuning.model import Standing

# The service level speaks of 95 of 100 requests.
GOOD_SHARE = 0.95
Z_95 = 1.96


@dataclass(frozen=True, slots=True)
class Judgement:
    standing: Standing
    difference: Difference
    why: str


def judged(
    before: Sequence[Measured], after: Sequence[Measured], error_ratio: float = 1.0
) -> Judgement:
    """How `after` stands against `before`; `error_ratio` is the share of requests that may fail."""
    difference = compare(before, after, interleaved=False)
    failed, kept, was_kept = _failed(after), keeps_level(after), keeps_level(before)
    if failed > error_ratio and failed > _failed(before):
        return Judgement(Standing.WORSE, difference, f"{failed:.1%} of its requests fail")
    if kept is False and was_kept is not False:
        return Judgement(Standing.WORSE, difference, f"{_level(after)}, so the level is broken")
    if was_kept is False and kept is True:
        return Judgement(
            Standing.BETTER, difference, f"{_level(after)}, and before {_level(before)}"
        )
    standing = {True: Standing.BETTER, False: Standing.WORSE, None: Standing.SAME}
    return Judgement(standing[difference.better], difference, _words(difference))


def keeps_level(series: Sequence[Measured]) -> bool | None:
    """Whether 95 of 100 requests are good; None without a level, or where it cannot be told.

    By the interval of a share (Wilson 1927) of all requests together.
    """
    shares = [(one.good_share, one.requests) for one in series if one.good_share is not None]
    total = sum(requests for _, requests in shares)
    if not total:
        return None
    share = sum(share * requests for share, requests in shares) / total
    low, high = wilson(share, total)
    return True if low >= GOOD_SHARE or share == 1 else False if high < GOOD_SHARE else None


def wilson(share: float, count: int) -> tuple[float, float]:
    """The 95 % interval of a share that was seen in `count` cases."""
    scale = 1 + Z_95**2 / count
    middle = (share + Z_95**2 / (2 * count)) / scale
    half = Z_95 / scale * math.sqrt(share * (1 - share) / count + Z_95**2 / (4 * count**2))
    return middle - half, middle + half


def _failed(series: Sequence[Measured]) -> float:
    requests = sum(one.requests for one in series)
    return sum(one.failed for one in series) / requests if requests else 0.0


def _level(series: Sequence[Measured]) -> str:
    requests = sum(one.requests for one in series)
    good = sum((one.good_share or 0.0) * one.requests for one in series)
    return f"{good / requests:.0%} of the requests keep the service level"


def _words(found: Difference) -> str:
    if found.ratio is None:
        return found.verdict
    if found.low is None or found.high is None:
        return f"{found.ratio:.2f} times the throughput ({found.verdict})"
    said = f"{found.ratio:.2f} times the throughput ({found.low:.2f} to {found.high:.2f})"
    return said if found.better is not None else f"{said}: {found.verdict}"
