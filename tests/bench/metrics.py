"""What a scrape costs: fetching, reading and rating the real `/metrics` of the server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from itertools import count

from prometheus_client.parser import text_string_to_metric_families

from tests.bench.ground import Ground
from tests.bench.measure import Figure, Table, interleaved
from vconsole.engine.client import EngineClient
from vconsole.engine.metrics import parse
from vconsole.engine.rates import MetricsWindow

BEATS = 15
ROUNDS = 15
GOAL_PERCENT = 0.1
PARSER = "our parser, alone"
THEIR_PARSER = "prometheus_client's parser, alone"


def measure(ground: Ground) -> Table:
    """CPU of this process in one-second beats, as a share of a core."""
    ground.serve()
    body, beats = asyncio.run(_beats(ground.url))
    alone = interleaved(_parsers(body), ROUNDS)
    figures = [
        Figure(name, "% of a core", values, None, _beside(name)) for name, values in alone.items()
    ]
    whole = Figure(
        "scrape, parse and rates at 1 Hz", "% of a core", beats, GOAL_PERCENT, THEIR_PARSER
    )
    return Table("metrics", f"a body of {len(body):,} bytes; CPU time", (whole, *figures))


def _beside(name: str) -> str | None:
    return None if name == THEIR_PARSER else THEIR_PARSER


async def _beats(url: str) -> tuple[bytes, tuple[float, ...]]:
    """CPU of one beat in percent of its second, after a first one that opens the connection."""
    client, window, shares = EngineClient(url), MetricsWindow(), []
    body = await client.metrics()
    try:
        for _ in range(BEATS):
            begun_s, used_s = time.monotonic(), time.process_time()
            body = await client.metrics()
            window.add(time.monotonic(), parse(body))
            window.metrics(time.monotonic())
            await asyncio.sleep(1.0 - (time.monotonic() - begun_s))
            shares.append(100 * (time.process_time() - used_s))
    finally:
        await client.aclose()
    return body, tuple(shares)


def _parsers(body: bytes) -> dict[str, Callable[[], float]]:
    window, seconds, scrape, text = MetricsWindow(), count(), parse(body), body.decode()

    def rates() -> None:
        window.add(next(seconds), scrape)
        window.metrics(0)

    return {
        THEIR_PARSER: _timed(lambda: list(text_string_to_metric_families(text))),
        PARSER: _timed(lambda: parse(body)),
        "our rates, alone": _timed(rates),
    }


def _timed(work: Callable[[], object]) -> Callable[[], float]:
    """The work's CPU time at 1 Hz, in percent of a core."""

    def run() -> float:
        used_s = time.process_time()
        work()
        return 100 * (time.process_time() - used_s)

    return run
