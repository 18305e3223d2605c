"""Throughput over latency: where the points of a bench lie, for a terminal and for an SVG alike."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from vconsole.requests.bench.model import Warmth
from vconsole.requests.bench.points import Point

STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
# A range of latencies beyond this is shown on a logarithmic axis.
WIDE = 20.0
LATENCIES = {"e2e_ms": "E2E", "ttft_ms": "TTFT", "itl_ms": "ITL", "tpot_ms": "TPOT"}
MARKS = "●■▲◆▼★"
ASCII_MARKS = "ox+*#@"


@dataclass(frozen=True, slots=True)
class Dot:
    """Latency in milliseconds, tokens per second, and what stands beside it."""

    x_ms: float
    y_per_s: float
    label: str


@dataclass(frozen=True, slots=True)
class Curve:
    name: str
    dots: tuple[Dot, ...]


@dataclass(frozen=True, slots=True)
class Axis:
    """From `low` to `high` with its ticks; `share` of a value is where it lies, 0 to 1."""

    low: float
    high: float
    ticks: tuple[float, ...]
    logarithmic: bool = False

    def share(self, value: float) -> float:
        if self.logarithmic:
            low, high = math.log(self.low), math.log(self.high)
            return (math.log(max(value, self.low)) - low) / (high - low)
        return (value - self.low) / (self.high - self.low)


@dataclass(frozen=True, slots=True)
class Plot:
    curves: tuple[Curve, ...]
    x: Axis
    y: Axis
    x_words: str = "E2E p50, ms"
    y_words: str = "generated tokens per second"


def plot_of(points: Sequence[Point], latency: str = "e2e_ms") -> Plot | None:
    """One curve a contender and warmth, its dots by rising latency; None without any dot."""
    curves: dict[str, list[Dot]] = {}
    for point in points:
        x_ms, y_per_s = point.latency(latency).p50, point.rate("generation_tokens_per_s")
        if x_ms and y_per_s:
            name = point.contender + (" warm" if point.warmth is Warmth.WARM else "")
            curves.setdefault(name, []).append(Dot(x_ms, y_per_s, point.load_words))
    dots = [dot for each in curves.values() for dot in each]
    if not dots:
        return None
    xs, ys = [dot.x_ms for dot in dots], [dot.y_per_s for dot in dots]
    return Plot(
        tuple(Curve(name, tuple(each)) for name, each in curves.items()),
        _logarithmic(xs) if max(xs) > WIDE * min(xs) else _linear(max(xs)),
        _linear(max(ys)),
        f"{LATENCIES[latency]} p50, ms",
    )


def drawn(plot: Plot, width: int, height: int, *, ascii_only: bool = False) -> list[str]:
    """The plot as text of that size: dots with their loads, axes, and a legend underneath."""
    canvas = Lines(plot, width, height, ascii_only=ascii_only)
    return canvas.rows()


class Lines:
    """A grid of characters with the axes left and below; a dot never overwrites another."""

    def __init__(self, plot: Plot, width: int, height: int, *, ascii_only: bool = False) -> None:
        self._plot = plot
        self._marks = ASCII_MARKS if ascii_only else MARKS
        self._bars = "|-+" if ascii_only else "│─└"
        self._margin = max(len(_tick(t)) for t in plot.y.ticks) + 1
        self._wide = max(8, width - self._margin - 1)
        self._high = max(3, height - 3)
        self._grid = [[" "] * self._wide for _ in range(self._high)]
        self.owners: dict[tuple[int, int], int] = {}
        """Which curve's mark or label a cell of the grid belongs to."""

    @property
    def margin(self) -> int:
        """Columns left of the grid."""
        return self._margin + 1

    def rows(self) -> list[str]:
        self._draw()
        low = " " * self._margin + self._bars[2] + self._bars[1] * self._wide
        return [
            *(f"{self._left(y)}{self._bars[0]}{''.join(row)}" for y, row in enumerate(self._grid)),
            low,
            self._below(),
            self.legend(),
        ]

    def legend(self) -> str:
        names = (f"{self.mark(i)} {curve.name}" for i, curve in enumerate(self._plot.curves))
        axes = f"{self._plot.y_words} over {self._plot.x_words}"
        return f"{' ' * self.margin}{'  '.join(names)}   {axes}"

    def mark(self, curve: int) -> str:
        return self._marks[curve % len(self._marks)]

    def _draw(self) -> None:
        for index, curve in enumerate(self._plot.curves):
            for dot in curve.dots:
                x, y = self._cell(dot)
                self._put(x, y, self.mark(index), index)
        for index, curve in enumerate(self._plot.curves):
            for dot in curve.dots:
                self._label(dot, index)

    def _cell(self, dot: Dot) -> tuple[int, int]:
        x = round(self._plot.x.share(dot.x_ms) * (self._wide - 1))
        y = round(self._plot.y.share(dot.y_per_s) * (self._high - 1))
        return min(max(x, 0), self._wide - 1), self._high - 1 - min(max(y, 0), self._high - 1)

    def _put(self, x: int, y: int, text: str, index: int) -> bool:
        """Write it where nothing is yet; whether it had room."""
        cells = range(x, x + len(text))
        if x < 0 or cells.stop > self._wide or any(self._grid[y][c] != " " for c in cells):
            return False
        for cell, character in zip(cells, text, strict=True):
            self._grid[y][cell] = character
            self.owners[cell, y] = index
        return True

    def _label(self, dot: Dot, index: int) -> None:
        x, y = self._cell(dot)
        places = [(x + 2, y), (x - 1 - len(dot.label), y), (x, y - 1), (x, y + 1)]
        for at_x, at_y in places:
            if 0 <= at_y < self._high and self._put(at_x, at_y, dot.label, index):
                return

    def _left(self, y: int) -> str:
        """The tick that lies in this row."""
        for tick in self._plot.y.ticks:
            if self._high - 1 - round(self._plot.y.share(tick) * (self._high - 1)) == y:
                return _tick(tick).rjust(self._margin)
        return " " * self._margin

    def _below(self) -> str:
        row = [" "] * (self._margin + 1 + self._wide)
        words = self._plot.x_words
        for tick in self._plot.x.ticks:
            text = _tick(tick)
            middle = self._margin + 1 + round(self._plot.x.share(tick) * (self._wide - 1))
            start = min(max(middle - len(text) // 2, 0), len(row) - len(text))
            around = row[max(start - 1, 0) : start + len(text) + 1]
            if all(cell == " " for cell in around):
                row[start : start + len(text)] = text
        line = "".join(row).rstrip()
        return f"{line}  {words}" if len(line) + len(words) + 2 <= len(row) else line


def _linear(highest: float) -> Axis:
    step = _step(highest / 4)
    count = math.ceil(highest / step * (1 - 1e-9))
    return Axis(0.0, step * count, tuple(step * i for i in range(count + 1)))


def _logarithmic(values: Sequence[float]) -> Axis:
    """From a 1, 2 or 5 of some power of ten to another, with all of them between as ticks."""
    first, last = (math.floor(math.log10(each)) for each in (min(values), max(values)))
    ticks = [step * 10.0**i for i in range(first, last + 2) for step in (1, 2, 5)]
    low = max(tick for tick in ticks if tick <= min(values))
    high = min(tick for tick in ticks if tick >= max(values) and tick > low)
    return Axis(low, high, tuple(t for t in ticks if low <= t <= high), logarithmic=True)


def _step(about: float) -> float:
    """A round number at or above it."""
    magnitude = 10.0 ** math.floor(math.log10(about))
    return next(step * magnitude for step in STEPS if step * magnitude >= about * (1 - 1e-9))


def _tick(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:g}"
