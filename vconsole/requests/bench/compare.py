"""Whether two series of measurements differ beyond their noise."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import fmean, variance

from vconsole.requests.bench.model import Difference, Measured, Verdict

# Student's t, two-sided 95 %, by degrees of freedom (NIST/SEMATECH e-Handbook, table 1.3.6.7.2).
T_95 = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228),
    *(2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086),
)
T_95_BEYOND = 1.96
# Computed on a quiet machine twice: nothing below this is worth a word, whatever its interval.
SMALLEST = 0.01

Figure = Callable[[Measured], float | None]
HIGHER_IS_BETTER = {
    "generation_tokens_per_s": True,
    "requests_per_s": True,
    "goodput_per_s": True,
    "ttft_ms": False,
    "itl_ms": False,
    "tpot_ms": False,
    "e2e_ms": False,
}


def compare(
    a: Sequence[Measured],
    b: Sequence[Measured],
    figure: str = "generation_tokens_per_s",
    *,
    interleaved: bool = True,
) -> Difference:
    """b by a in a rate or in the median of a latency; a ratio is called one beyond the noise only.

    Repeats of the same load, in the order of their making. Interleaved ones are compared in pairs,
    so that what befell both at once says nothing; others by Welch's t. Both on logarithms.
    """
    before, after = _values(a, figure), _values(b, figure)
    return _compared(figure, before, after, interleaved)


def compare_values(figure: str, a: Sequence[float], b: Sequence[float]) -> Difference:
    """The same of numbers above 0 that somebody else has measured, interleaved with ours."""
    return _compared(figure, list(map(math.log, a)), list(map(math.log, b)), interleaved=True)


def _compared(
    figure: str, before: Sequence[float], after: Sequence[float], interleaved: bool
) -> Difference:
    if interleaved and len(before) == len(after):
        logs = [y - x for x, y in zip(before, after, strict=True)]
        return _judge(figure, logs, *_of_pairs(logs))
    return _judge(figure, [*before, *after], *_of_two(before, after))


def compare_all(
    pairs: Sequence[tuple[Sequence[Measured], Sequence[Measured]]],
    figure: str = "generation_tokens_per_s",
) -> Difference:
    """b by a over several loads at once: of each repeat the geometric mean of its loads' ratios.

    Each pair is the repeats of one load, in the order of their making; repeats that not every load
    has are left out, so that all means are of the same loads.
    """
    logs = [
        [y - x for x, y in zip(_values(a, figure), _values(b, figure), strict=False)]
        for a, b in pairs
    ]
    means = [fmean(of_repeat) for of_repeat in zip(*logs, strict=False)]
    return _judge(figure, means, *_of_pairs(means))


def value_of(measured: Measured, figure: str) -> float | None:
    """The figure's value: a rate as it is, the median of a latency."""
    found = getattr(measured, figure)
    return found if found is None or isinstance(found, int | float) else found.p50


def _values(series: Sequence[Measured], figure: str) -> list[float]:
    found = (value_of(measured, figure) for measured in series)
    return [math.log(value) for value in found if value is not None and value > 0]


def _of_pairs(logs: Sequence[float]) -> tuple[float | None, float | None]:
    """Mean difference, and half of its interval's width."""
    if len(logs) < 2:
        return (logs[0] if logs else None), None
    return fmean(logs), _t(len(logs) - 1) * math.sqrt(variance(logs) / len(logs))


def _of_two(a: Sequence[float], b: Sequence[float]) -> tuple[float | None, float | None]:
    if not a or not b:
        return None, None
    middle = fmean(b) - fmean(a)
    if len(a) < 2 or len(b) < 2:
        return middle, None
    of_a, of_b = variance(a) / len(a), variance(b) / len(b)
    if of_a + of_b == 0:
        return middle, 0.0
    # Welch-Satterthwaite.
    freedom = (of_a + of_b) ** 2 / (of_a**2 / (len(a) - 1) + of_b**2 / (len(b) - 1))
    return middle, _t(max(1, int(freedom))) * math.sqrt(of_a + of_b)


def _judge(
    figure: str, series: Sequence[float], middle: float | None, half: float | None
) -> Difference:
    better = HIGHER_IS_BETTER.get(figure, True)
    if middle is None or half is None:
        ratio = None if middle is None else math.exp(middle)
        return Difference(figure, Verdict.TOO_FEW, ratio, None, None, len(series), better)
    low, high = middle - half, middle + half
    verdict = Verdict.NO_DIFFERENCE
    if abs(middle) > SMALLEST and (low > 0 or high < 0):
        verdict = Verdict.HIGHER if middle > 0 else Verdict.LOWER
    ends = math.exp(middle), math.exp(low), math.exp(high)
    return Difference(figure, verdict, *ends, len(series), better)


def _t(freedom: int) -> float:
    return T_95[freedom - 1] if freedom <= len(T_95) else T_95_BEYOND
