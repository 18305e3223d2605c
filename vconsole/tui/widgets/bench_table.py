"""The sweep as a table: a row for each load and contender, in as many columns as there is room."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from vconsole.requests.bench.points import Point, points
from vconsole.requests.bench.price import per_million_tokens, wh_per_million_tokens
from vconsole.requests.bench.tables import UNKNOWN, named, spread
from vconsole.settings import PriceSettings
from vconsole.tui.drawing import figures
from vconsole.tui.drawing.graph import bar
from vconsole.tui.drawing.text import Line, Role, cells, fit, line, wrap
from vconsole.tui.rows.bench_look import CURVES, BenchRow, by_load
from vconsole.tui.widgets.panel import Panel

GAP = "  "
NAME_CELLS = 22
WHAT_IT_IS = (
    "A bench sends requests to the server, one after the other and many at once, and measures how"
    " fast they are answered: throughput, and how long each waits for its first and next tokens."
    " Beside another server or profile a difference is called one only beyond the noise."
)


@dataclass(frozen=True, slots=True)
class Column:
    """`weight` says who leaves first where there is no room: the heaviest."""

    head: str
    weight: int
    of: Callable[[Point], str]


class BenchTable(Panel):
    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.row: BenchRow | None = None
        self.prices = PriceSettings()

    def show_row(self, row: BenchRow | None, prices: PriceSettings) -> None:
        self.row, self.prices = row, prices
        self.redraw()

    def rows_wanted(self) -> int:
        """Rows inside: the heads and a row a point, and what is said of it."""
        if self.row is None:
            return 3
        said = 1 + bool(self.row.words) if self.row.is_under_way else bool(self.row.words)
        return said + 1 + max(1, len(points(self.row.bench)))

    def heading(self) -> tuple[Line, Line]:
        if self.row is None:
            return line(("Bench", Role.STRONG)), ()
        look = self.row.look
        title = f"{self.row.id}  {self.row.bench.origin or 'getting ready'}"
        return line((title, Role.STRONG)), line(
            (f"{look.symbol(self.glyphs)} {look.word}", look.role)
        )

    def body(self, width: int, height: int) -> Sequence[Line]:
        if self.row is None:
            return [line((row, Role.DIM)) for row in wrap(WHAT_IT_IS, width)]
        said = [*self._progress(self.row, width), *self._said(self.row, width)]
        found = by_load(self.row.bench, points(self.row.bench))
        if not found:
            return [*said, line(("Nothing is measured yet.", Role.DIM))]
        rows = self._table(found, width)
        room = max(2, height - len(said))
        if len(rows) > room:
            more = f"{len(rows) - room + 1} more rows: enter shows them"
            rows = [*rows[: room - 1], line((more, Role.DIM))]
        return [*said, *rows]

    def _progress(self, row: BenchRow, width: int) -> list[Line]:
        if not row.is_under_way:
            return []
        progress = row.job.progress if row.job else None
        counted = f"  {progress.done:,} of {progress.total:,}" if progress else "  not begun"
        left = f"  {row.left} left" if row.left else ""
        tail = line(f" {figures.percent(row.share):>5}", (f"{counted}{left}", Role.DIM))
        return [line(bar(row.share, max(4, width - cells(tail)), self.glyphs), tail)]

    def _said(self, row: BenchRow, width: int) -> list[Line]:
        role = Role.DIM if row.is_under_way else Role.WARN
        return [fit(line((row.words, role)), width, self.glyphs.ellipsis)] if row.words else []

    def _label(self, point: Point) -> str:
        return named(point) + (f" {self.glyphs.warning}" if point.limited else "")

    def _table(self, found: Sequence[Point], width: int) -> list[Line]:
        names = [self._label(point) for point in found]
        wide = min(NAME_CELLS, max(len(name) for name in names))
        chosen, widths = _fitting(found, self.prices, width - wide)
        head = "".join(GAP + each.head.rjust(w) for each, w in zip(chosen, widths, strict=True))
        contenders = list(self.row.bench.spec.contenders) if self.row else []
        rows = [line((f"{'':<{wide}}{head}", Role.DIM))]
        for name, point in zip(names, found, strict=True):
            at = contenders.index(point.contender) if point.contender in contenders else 0
            texts = (GAP + c.of(point).rjust(w) for c, w in zip(chosen, widths, strict=True))
            shown = fit(line((name, CURVES[at % len(CURVES)])), wide, self.glyphs.ellipsis)
            rows.append(line(shown, *((text, _role(point)) for text in texts)))
        return rows


def _role(point: Point) -> Role:
    """Figures that may be the client's own stand out; the conditions say why."""
    return Role.WARN if point.limited else Role.TEXT


def _fitting(
    found: Sequence[Point], prices: PriceSettings, room: int
) -> tuple[list[Column], list[int]]:
    """As many percentiles and columns as there is room for."""
    for chosen in _choices(found, prices):
        widths = [max(len(c.head), *(len(c.of(p)) for p in found)) for c in chosen]
        if sum(widths) + len(GAP) * len(widths) <= room:
            return chosen, widths
    return chosen, widths


def _choices(found: Sequence[Point], prices: PriceSettings) -> Iterator[list[Column]]:
    for most_weight in (9, 7, 6, 5, 4, 3, 2, 1, 0):
        for parts in (3, 2) if most_weight > 5 else (2,) if most_weight > 3 else (2, 1):
            yield [c for c in _columns(found, prices, parts) if c.weight <= most_weight]


def _columns(found: Sequence[Point], prices: PriceSettings, parts: int) -> list[Column]:
    def rate(name: str, digits: int) -> Callable[[Point], str]:
        return lambda point: _number(point.rate(name), digits)

    def waits(name: str) -> Callable[[Point], str]:
        return lambda point: spread(point.latency(name), parts)

    heads = {1: " p50", 2: " p50/p95", 3: " p50/p95/p99"}[parts]
    columns = [
        Column("load", 0, lambda point: point.load_words),
        Column("req/s", 4, rate("requests_per_s", 2)),
        Column("tok/s", 0, rate("generation_tokens_per_s", 0)),
        Column("good/s", 3, rate("goodput_per_s", 2)),
        Column(f"TTFT{heads}", 1, waits("ttft_ms")),
        Column(f"ITL{heads}", 2, waits("itl_ms")),
        Column(f"TPOT{heads}", 6, waits("tpot_ms")),
        Column(f"E2E{heads}", 1, waits("e2e_ms")),
    ]
    if any(point.failed for point in found):
        columns.append(Column("failed", 0, lambda point: f"{point.failed:,}"))
    if any(wh_per_million_tokens(point) is not None for point in found):
        columns.append(Column("Wh/Mtok", 5, lambda p: _number(wh_per_million_tokens(p), 0)))
    if any(per_million_tokens(point, prices) is not None for point in found):
        currency = f"{prices.currency or 'price'}/Mtok"
        columns.append(Column(currency, 5, lambda p: _number(per_million_tokens(p, prices), 2)))
    return columns


def _number(value: float | None, digits: int) -> str:
    return UNKNOWN if value is None else f"{value:,.{digits}f}"
