"""A bench in tables: rates, latencies as the client saw them, and the server's own figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vconsole.requests.bench.comparing import Compared
from vconsole.requests.bench.kept import Bench
from vconsole.requests.bench.model import Difference, Percentiles, ServerView, Warmth
from vconsole.requests.bench.points import Point, load_words, points
from vconsole.requests.bench.price import per_million_tokens, wh_per_million_tokens
from vconsole.settings import PriceSettings

UNKNOWN = "—"
RATE_HEADS = ("target", "load", "req/s", "tok/s", "prompt tok/s", "good/s", "failed")
LATENCY_HEADS = ("ms, p50/p95/p99", "load", "TTFT", "ITL", "TPOT", "E2E")
COMPARED_HEADS = ("beside", "load", "what", "ratio", "95 % interval", "verdict")
FIGURES = {
    "generation_tokens_per_s": "tokens/s",
    "requests_per_s": "requests/s",
    "goodput_per_s": "goodput",
    "ttft_ms": "TTFT p50",
    "itl_ms": "ITL p50",
    "tpot_ms": "TPOT p50",
    "e2e_ms": "E2E p50",
}
SERVER_HEADS = (
    "the server itself",
    "load",
    "TTFT",
    "ITL",
    "E2E",
    "most",
    "KV",
    "hits",
    "preempted",
)


@dataclass(frozen=True, slots=True)
class Table:
    """Names to the left, figures to the right; as text or as Markdown."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables(bench: Bench, prices: PriceSettings) -> tuple[Table, ...]:
    """Rates, latencies, and where it tells them the server's own figures: a row a point."""
    found = (rates(bench, prices), latencies(bench), server_side(bench))
    return tuple(table for table in found if table.rows)


def rates(bench: Bench, prices: PriceSettings) -> Table:
    """Throughput and goodput; energy and money only where they are known of any."""
    found = points(bench)
    heads, cells = list(RATE_HEADS), [_rate_cells(point) for point in found]
    energy = [wh_per_million_tokens(point) for point in found]
    money = [per_million_tokens(point, prices) for point in found]
    for head, values, digits in (("Wh/Mtok", energy, 0), (_currency(prices), money, 2)):
        if any(value is not None for value in values):
            heads.append(head)
            cells = [[*row, _number(v, digits)] for row, v in zip(cells, values, strict=True)]
    return Table(tuple(heads), tuple(tuple(row) for row in cells))


def latencies(bench: Bench) -> Table:
    """What the client saw, in milliseconds."""
    names = ("ttft_ms", "itl_ms", "tpot_ms", "e2e_ms")
    return Table(
        LATENCY_HEADS,
        tuple(
            (named(point), point.load_words, *(spread(point.latency(name)) for name in names))
            for point in points(bench)
        ),
    )


def server_side(bench: Bench, parts: int = 3) -> Table:
    """What servers with vLLM's metrics say of the same spans; `most` ran at once."""
    seen = [(point, view) for point in points(bench) if (view := point.server) is not None]
    told = [(point, view) for point, view in seen if view.e2e_ms.mean is not None]
    return Table(SERVER_HEADS, tuple(_server_cells(point, view, parts) for point, view in told))


def named(point: Point) -> str:
    return point.contender + (" warm" if point.warmth is Warmth.WARM else "")


def spread(found: Percentiles, parts: int = 3) -> str:
    """`12.1/30.4/41.0`, percentiles in three digits, or `mean 12.1` where that alone is known."""
    values = (found.p50, found.p95, found.p99)[:parts]
    if any(value is not None for value in values):
        return "/".join(map(short, values))
    return UNKNOWN if found.mean is None else f"mean {short(found.mean)}"


def short(value: float | None) -> str:
    """Three digits of a number, or all before its point."""
    if value is None:
        return UNKNOWN
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{digits}f}"


def text_table(heads: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    """Columns as wide as they need to be, names to the left and figures to the right."""
    widths = [max(len(row[i]) for row in (heads, *body)) for i in range(len(heads))]
    return [
        "  ".join(
            cell.ljust(width) if at == 0 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (heads, *body)
    ]


def _rate_cells(point: Point) -> list[str]:
    return [
        named(point),
        point.load_words,
        _number(point.rate("requests_per_s"), 2),
        _number(point.rate("generation_tokens_per_s"), 1),
        _number(point.rate("prompt_tokens_per_s"), 1),
        _number(point.rate("goodput_per_s"), 2),
        f"{point.failed:,}",
    ]


def _server_cells(point: Point, view: ServerView, parts: int) -> tuple[str, ...]:
    return (
        named(point),
        point.load_words,
        *(spread(found, parts) for found in (view.ttft_ms, view.itl_ms, view.e2e_ms)),
        _number(view.requests_running_max, 0),
        _share(view.kv_cache_usage_max),
        _share(view.prefix_cache_hit_rate),
        _number(view.preemptions, 0),
    )


def _share(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.0%}"


def _number(value: float | None, digits: int) -> str:
    return UNKNOWN if value is None else f"{value:,.{digits}f}"


def _currency(prices: PriceSettings) -> str:
    return f"{prices.currency or 'price'}/Mtok"


def compared_table(found: Sequence[Compared]) -> Table:
    """Figure by figure how the other one stands to the first, under each load and over all."""
    rows = []
    for one in found:
        load = "all" if one.load is None else load_words(one.load)
        name = f"{one.other} / {one.first}" + (" warm" if one.warmth is Warmth.WARM else "")
        rows += [(name, load, *difference_cells(each)) for each in one.differences]
    return Table(COMPARED_HEADS, tuple(rows))


def difference_cells(one: Difference) -> tuple[str, str, str, str]:
    """`TTFT p50`, `x1.42`, `1.31 to 1.55`, `worse`."""
    figure = FIGURES.get(one.figure, one.figure)
    ratio = UNKNOWN if one.ratio is None else f"x{one.ratio:.2f}"
    known = one.low is not None and one.high is not None
    interval = f"{one.low:.2f} to {one.high:.2f}" if known else UNKNOWN
    if one.ratio is None:
        return figure, ratio, interval, UNKNOWN
    better = {True: "better", False: "worse", None: one.verdict.value}[one.better]
    return figure, ratio, interval, better
