"""What a scrape costs: fetching, reading and rating the real `/metrics` of the server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from itertools import count

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.bench.ground import Ground
from tests.bench.measure import Figure, Table, interleaved
from vconsole.engine.http.client import EngineClient
from vconsole.engine.metrics.exposition import MetricsReader
from vconsole.engine.metrics.rates import MetricsWindow

BEATS = 15
ROUNDS = 15
GOAL_PERCENT = 0.1
WHOLE = "scrape, parse and rates at 1 Hz"
THROUGH_HTTPX = "the same, fetched through httpx"
PARSER = "our parser, alone"
THEIR_PARSER = "prometheus_client's parser, alone"


def measure(ground: Ground) -> Table:
    """CPU of this process in one-second beats, as a share of a core."""
    ground.serve()
    body, ours, through_httpx = asyncio.run(_beats(ground.url))
    alone = interleaved(_parsers(body), ROUNDS)
    figures = [
        Figure(name, "% of a core", values, None, _beside(name)) for name, values in alone.items()
    ]
    whole = (
        Figure(WHOLE, "% of a core", ours, GOAL_PERCENT, THROUGH_HTTPX),
        Figure(THROUGH_HTTPX, "% of a core", through_httpx),
    )
    return Table("metrics", f"a body of {len(body):,} bytes; CPU time", (*whole, *figures))


def _beside(name: str) -> str | None:
    return None if name == THEIR_PARSER else THEIR_PARSER


async def _beats(url: str) -> tuple[bytes, tuple[float, ...], tuple[float, ...]]:
    """CPU of one beat in percent of its second, turn by turn with a client of httpx."""
    client, theirs = EngineClient(url), httpx.AsyncClient(trust_env=False)

    async def through_httpx() -> bytes:
        return (await theirs.get(f"{url}/metrics")).content

    ways = (_Beat(client.metrics), _Beat(through_httpx))
    try:
        for way in ways:
            await way.take()  # opens the connection, fills the caches
        shares = [await way.take() for _ in range(BEATS) for way in ways]
        return await client.metrics(), tuple(shares[::2]), tuple(shares[1::2])
    finally:
        await client.aclose()
        await theirs.aclose()


class _Beat:
    """A second's work with one way to fetch."""

    def __init__(self, fetch: Callable[[], Awaitable[bytes]]) -> None:
        self._fetch = fetch
        self._window = MetricsWindow()
        self._reader = MetricsReader()

    async def take(self) -> float:
        begun_s, used_s = time.monotonic(), time.process_time()
        body = await self._fetch()
        self._window.add(time.monotonic(), self._reader.read(body))
        self._window.metrics(time.monotonic())
        await asyncio.sleep(1.0 - (time.monotonic() - begun_s))
        return 100 * (time.process_time() - used_s)


def _parsers(body: bytes) -> dict[str, Callable[[], float]]:
    window, seconds, reader, text = MetricsWindow(), count(), MetricsReader(), body.decode()
    scrape = reader.read(body)

    def rates() -> None:
        window.add(next(seconds), scrape)
        window.metrics(0)

    return {
        THEIR_PARSER: _timed(lambda: list(text_string_to_metric_families(text))),
        PARSER: _timed(lambda: reader.read(body)),
        "our rates, alone": _timed(rates),
    }


def _timed(work: Callable[[], object]) -> Callable[[], float]:
    """The work's CPU time at 1 Hz, in percent of a core."""

    def run() -> float:
        used_s = time.process_time()
        work()
        return 100 * (time.process_time() - used_s)

    return run
