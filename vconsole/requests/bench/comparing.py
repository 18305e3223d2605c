"""The first contender of a bench against the others: load by load, and over all of them."""

from __future__ import annotations

from dataclasses import dataclass

from vconsole.requests.bench.compare import compare, compare_all
from vconsole.requests.bench.kept import Bench
from vconsole.requests.bench.model import Difference, Load, Warmth
from vconsole.requests.bench.points import Point, load_words, points

COMPARED = ("generation_tokens_per_s", "ttft_ms", "itl_ms", "e2e_ms")
# Answers whose lengths differ by more than this are not of one length.
UNEQUAL = 0.02


@dataclass(frozen=True, slots=True)
class Compared:
    """The first contender against another one under one load; None stands for all of them."""

    first: str
    other: str
    load: Load | None
    warmth: Warmth
    differences: tuple[Difference, ...]


def differences(bench: Bench) -> tuple[Compared, ...]:
    """The first contender against each other one, under each load that both were measured with."""
    by_name: dict[str, list[Point]] = {}
    for point in points(bench):
        by_name.setdefault(point.contender, []).append(point)
    first, *others = by_name or {"": []}
    return tuple(
        compared(a, b)
        for other in others
        for a in by_name.get(first, ())
        for b in by_name[other]
        if (a.load, a.warmth) == (b.load, b.warmth)
    )


def overall(bench: Bench) -> tuple[Compared, ...]:
    """The verdict over all loads: of each repeat the mean over its loads, where there are several.

    Only what was measured of both in every repeat; with a single load there is nothing to add.
    """
    found = [one for one in differences(bench) if one.load is not None]
    told = []
    for other, warmth in dict.fromkeys((one.other, one.warmth) for one in found):
        pairs = [
            (a, b)
            for a in points(bench)
            for b in points(bench)
            if a.contender == found[0].first and b.contender == other
            if (a.load, a.warmth, b.warmth) == (b.load, warmth, warmth)
        ]
        if len(pairs) > 1:
            series = [(a.series, b.series) for a, b in pairs]
            figures = _figures(pairs[0][0])
            found_all = tuple(compare_all(series, figure) for figure in figures)
            told.append(Compared(found[0].first, other, None, warmth, found_all))
    return tuple(told)


def compared(a: Point, b: Point, *, interleaved: bool = True) -> Compared:
    found = tuple(compare(a.series, b.series, f, interleaved=interleaved) for f in _figures(a))
    return Compared(a.contender, b.contender, a.load, a.warmth, found)


def unequal_answers(bench: Bench) -> list[str]:
    """Where another contender answers at another length: then times of whole answers differ too."""
    told = []
    for one in differences(bench):
        a, b = (_mean_tokens(bench, name, one.load, one.warmth) for name in (one.first, one.other))
        if a and b and abs(b / a - 1) > UNEQUAL and one.load is not None:
            told.append(
                f"{one.other} answers with {b:.1f} tokens in the mean, {one.first} with {a:.1f}, "
                f"at {load_words(one.load)}: compare tokens/s and ITL rather than E2E"
            )
    return told


def _figures(point: Point) -> tuple[str, ...]:
    return COMPARED if point.rate("goodput_per_s") is None else (*COMPARED, "goodput_per_s")


def _mean_tokens(bench: Bench, name: str, load: Load | None, warmth: Warmth) -> float | None:
    of = [m for m in bench.measured if (m.target, m.load, m.warmth) == (name, load, warmth)]
    answered = sum(one.requests - one.failed for one in of)
    return sum(one.generation_tokens for one in of) / answered if answered else None
