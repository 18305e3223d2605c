"""What all claims say alike: whether anything is missing, the verdict, the figures behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from statistics import median

from vconsole.requests.bench.model import Difference, Measured
from vconsole.supervisor.proving.model import Claim, Evidence, Leg, Verdict

SMALLEST, LARGEST = 0.01, 1000


def missing(evidence: Evidence, *legs: Leg) -> str | None:
    return next(
        (evidence.missing.get(leg, "not measured") for leg in legs if not evidence.series.get(leg)),
        None,
    )


def shown(claim: Claim, found: Difference, verdict: Verdict, figures: str, rests: str) -> Claim:
    """The claim with what was found."""
    return replace(
        claim,
        verdict=verdict,
        figures=figures,
        ratio=found.ratio,
        low=found.low,
        high=found.high,
        rests_on=rests,
    )


def ends(low: float, high: float) -> str:
    """`(1.31 to 1.55)`; what is too wide to be read is only said to be so."""
    a = "<0.01" if low < SMALLEST else f"{low:.2f}"
    b = f">{LARGEST:,}" if high > LARGEST else f"{high:.2f}"
    return f"({a} to {b})"


def verdict_of(found: Difference) -> Verdict:
    says = {True: Verdict.CONFIRMED, False: Verdict.REFUTED, None: Verdict.NOT_SHOWN}
    return says[found.better]


def answer_tokens(series: Iterable[Measured]) -> float | None:
    """Generated tokens of an answer, in the mean."""
    made, good = 0, 0
    for one in series:
        made, good = made + one.generation_tokens, good + one.requests - one.failed
    return made / good if good else None


def against(
    ours: Sequence[Measured],
    other: Sequence[Measured],
    figure: Callable[[Measured], float | None],
    unit: str,
    digits: int = 1,
) -> str:
    said = [_median(map(figure, series)) for series in (ours, other)]
    a, b = ("—" if value is None else f"{value:,.{digits}f}" for value in said)
    return f"{a} against {b} {unit}"


def repeats_of(ours: Sequence[Measured], other: Sequence[Measured]) -> str:
    requests = sum(one.requests for one in (*ours, *other))
    failed = sum(one.failed for one in (*ours, *other))
    lost = f", {failed} failed" if failed else ""
    return f"{len(ours)} and {len(other)} repeats, {requests} requests{lost}"


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None
