"""From single measurements to what a table and a plot show: the median of each load's repeats."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from statistics import median
from typing import Any, TypeVar

from vconsole.requests.bench.kept import Bench
from vconsole.requests.bench.model import Load, Measured, Percentiles, ServerView, Warmth

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Point:
    """One load of one contender: medians over its repeats, sums of its requests."""

    contender: str
    load: Load
    warmth: Warmth
    series: tuple[Measured, ...]

    @property
    def repeats(self) -> int:
        return len(self.series)

    @property
    def failed(self) -> int:
        return sum(each.failed for each in self.series)

    @property
    def requests(self) -> int:
        return sum(each.requests for each in self.series)

    @property
    def load_words(self) -> str:
        return load_words(self.load)

    def rate(self, figure: str) -> float | None:
        return _median(self.series, lambda one: getattr(one, figure))

    def latency(self, figure: str) -> Percentiles:
        def of(part: str) -> float | None:
            return _median(self.series, lambda one: getattr(getattr(one, figure), part))

        return Percentiles(of("p50"), of("p95"), of("p99"), of("mean"))

    @property
    def server(self) -> ServerView | None:
        """The server's own view in the median of the repeats; the most of what is a most."""
        views = [one.server for one in self.series if one.server is not None]
        return _middle(views) if views else None

    @property
    def limited(self) -> str | None:
        """Why the client was the limit, in any of the repeats."""
        return next((one.client.limited for one in self.series if one.client.limited), None)

    @property
    def energy_j_per_token(self) -> float | None:
        tokens = sum(one.generation_tokens for one in self.series)
        joules = [one.energy_j for one in self.series]
        known = [each for each in joules if each is not None]
        return sum(known) / tokens if known and len(known) == len(joules) and tokens else None


def points(bench: Bench) -> tuple[Point, ...]:
    """Contender by contender, in the order of the loads."""
    found: dict[tuple[str, Load, Warmth], list[Measured]] = {}
    for one in sorted(bench.measured, key=lambda m: m.repeat):
        found.setdefault((one.target, one.load, one.warmth), []).append(one)
    names = list(dict.fromkeys((*bench.spec.contenders, *(m.target for m in bench.measured))))
    loads = {load: at for at, load in enumerate(bench.spec.loads)}
    ordered = sorted(
        found, key=lambda key: (names.index(key[0]), loads.get(key[1], 0), key[2] is Warmth.WARM)
    )
    return tuple(Point(*key, tuple(found[key])) for key in ordered)


def load_words(load: Load) -> str:
    if load.rate_per_s is not None:
        return f"{load.rate_per_s:g}/s"
    return str(load.concurrency)


def _median(series: Sequence[T], of: Callable[[T], float | None]) -> float | None:
    known = [value for one in series if (value := of(one)) is not None]
    return median(known) if known else None


def _middle(views: Sequence[ServerView]) -> ServerView:
    def of(name: str, part: str) -> float | None:
        return _median(views, lambda view: getattr(getattr(view, name), part))

    found: dict[str, Any] = {
        name: Percentiles(*(of(name, part) for part in ("p50", "p95", "p99", "mean")))
        for name in ("ttft_ms", "itl_ms", "e2e_ms")
    }
    for name in (each.name for each in fields(ServerView) if each.name not in found):
        known = [value for view in views if (value := getattr(view, name)) is not None]
        most = name.endswith("_max")
        found[name] = (max(known) if most else median(known)) if known else None
    return ServerView(**found)
