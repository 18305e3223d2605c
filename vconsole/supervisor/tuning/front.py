"""The front: settings that no other one beats in throughput and latency at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from vconsole.requests.bench.plot import Curve, Plot, plot_of
from vconsole.requests.bench.points import Point
from vconsole.supervisor.tuning.model import Trial

# On a plot there is room for a number beside a dot, and none for a sentence.
FRONT, BEHIND = "on the front", "beaten"


@dataclass(frozen=True, slots=True)
class Placed:
    """A measured trial with the medians of its repeats; `number` counts trials from 1."""

    number: int
    trial: Trial
    point: Point
    on_front: bool


def placed(trials: Iterable[Trial]) -> tuple[Placed, ...]:
    """The measured trials, in the order of their making."""
    found = [
        (
            number,
            trial,
            Point(str(number), trial.series[0].load, trial.series[0].warmth, trial.series),
        )
        for number, trial in enumerate(trials, 1)
        if trial.series
    ]
    points = [point for _, _, point in found]
    return tuple(Placed(*one, on_front=_is_unbeaten(one[2], points)) for one in found)


def plot(found: Sequence[Placed]) -> Plot | None:
    """Each trial a dot with its number, those on the front a curve of their own."""
    drawn = plot_of([one.point for one in found])
    if drawn is None:
        return None
    numbers = {str(one.number): one.on_front for one in found}
    curves = []
    for name, front in ((FRONT, True), (BEHIND, False)):
        dots = [
            replace(dot, label=curve.name)
            for curve in drawn.curves
            for dot in curve.dots
            if numbers[curve.name] is front
        ]
        curves += [Curve(name, tuple(sorted(dots, key=lambda dot: dot.x_ms)))] if dots else []
    return replace(drawn, curves=tuple(curves))


def _is_unbeaten(one: Point, points: Sequence[Point]) -> bool:
    return not any(_beats(other, one) for other in points)


def _beats(other: Point, one: Point) -> bool:
    """As good in both, and better in one of them."""
    (rate, late), (rate_of_one, late_of_one) = _place(other), _place(one)
    as_good = rate >= rate_of_one and late <= late_of_one
    return as_good and (rate, late) != (rate_of_one, late_of_one)


def _place(point: Point) -> tuple[float, float]:
    e2e_ms = point.latency("e2e_ms").p50
    return point.rate("generation_tokens_per_s") or 0.0, float("inf") if e2e_ms is None else e2e_ms
