"""What is watched while a load runs: the server's own figures, energy, and the client itself."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterable
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from vconsole.engine.metrics.exposition import MetricsReader
from vconsole.engine.metrics.figures import Quantiles, Scrape
from vconsole.engine.metrics.span import Sample, Span
from vconsole.host.gpu import GpuReader
from vconsole.requests.bench.model import ClientShare, Percentiles, ServerView
from vconsole.requests.bench.summary import percentile
from vconsole.requests.transport import Transport, TransportError

FIRST_LOOK_S, LOOK_S, LAG_LOOK_S = 0.1, 1.0, 0.02
METRICS_TIMEOUT_S = 5.0
# vLLM counts a request as finished a moment after its last piece has left.
SETTLE_S, SETTLE_STEPS = 0.05, 10
BUSY_SHARE, LATE_MS, LATE_SHARE = 0.85, 10.0, 0.2
HERE = frozenset({"localhost", "127.0.0.1", "::1"})


class Watch:
    """A block around a load; afterwards it says what was seen. Nothing of it fails the load."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._reader = MetricsReader()
        self._energy = EnergyWatch(transport.url)
        self._first: Sample | None = None
        self._last: Sample | None = None
        self._running_max: float | None = None
        self._kv_max: float | None = None
        self._late_ms: list[float] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._cpu_s = self._begun_s = self._share = 0.0

    async def __aenter__(self) -> Self:
        self._first = await self._look()
        await self._energy.look()
        self._tasks = [asyncio.create_task(each) for each in (self._keep(), self._keep_lag())]
        self._cpu_s, self._begun_s = time.process_time(), time.perf_counter()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        passed_s = max(time.perf_counter() - self._begun_s, 1e-9)
        self._share = (time.process_time() - self._cpu_s) / passed_s
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        if error is None:
            await self._energy.look()
            await self._settle()

    @property
    def energy(self) -> tuple[float | None, str | None]:
        """Joules that this host's cards drew, or why that is unknown."""
        return self._energy.drawn

    def client(self, ttft_p50_ms: float | None) -> ClientShare:
        late = percentile(sorted(self._late_ms), 0.99)
        limited = None
        if self._share > BUSY_SHARE:
            limited = f"it used {self._share:.0%} of a core: the server may be faster than shown"
        elif late is not None and late > max(LATE_MS, LATE_SHARE * (ttft_p50_ms or 0.0)):
            limited = f"it was woken {late:.0f} ms late (p99): latencies are its own in part"
        return ClientShare(round(self._share, 4), late, limited)

    def server(self) -> ServerView | None:
        """What happened between the first and the last look; None without vLLM's metrics."""
        if self._first is None or self._last is None:
            return None
        span = Span(self._first, self._last)
        return ServerView(
            ttft_ms=_percentiles(span.quantiles(lambda s: s.ttft)),
            itl_ms=_percentiles(span.quantiles(lambda s: s.itl)),
            e2e_ms=_percentiles(span.quantiles(lambda s: s.e2e)),
            prompt_tokens=span.increase(lambda s: s.prompt_tokens),
            generation_tokens=span.increase(lambda s: s.generation_tokens),
            requests=span.increase(lambda s: s.requests_finished),
            prefix_cache_hit_rate=span.hit_rate(),
            preemptions=span.increase(lambda s: s.preemptions),
            spec_acceptance=span.share(
                lambda s: s.spec_accepted_tokens, lambda s: s.spec_draft_tokens
            ),
            requests_running_max=self._running_max,
            kv_cache_usage_max=self._kv_max,
        )

    async def _settle(self) -> None:
        """Look until nothing runs any more, so that the last requests are in the figures."""
        if self._first is None:
            return
        for _ in range(SETTLE_STEPS):
            self._last = await self._look()
            if self._last is None or not self._last.scrape.requests_running:
                return
            await asyncio.sleep(SETTLE_S)

    async def _keep(self) -> None:
        pause_s = FIRST_LOOK_S
        while True:
            await asyncio.sleep(pause_s)
            pause_s = LOOK_S
            if self._first is not None and (sample := await self._look()):
                scrape = sample.scrape
                self._running_max = _larger(self._running_max, scrape.requests_running)
                self._kv_max = _larger(self._kv_max, scrape.kv_cache_usage)
            await self._energy.look()

    async def _keep_lag(self) -> None:
        while True:
            due_s = time.perf_counter() + LAG_LOOK_S
            await asyncio.sleep(LAG_LOOK_S)
            self._late_ms.append((time.perf_counter() - due_s) * 1000)

    async def _look(self) -> Sample | None:
        with contextlib.suppress(TransportError):
            answer = await self._transport.get("/metrics", METRICS_TIMEOUT_S)
            if answer.status == 200:
                scrape = self._reader.read(answer.body)
                if scrape != Scrape():
                    return Sample(time.monotonic(), scrape)
        return None


class EnergyWatch:
    """What all cards of this host drew between the first look and the last."""

    def __init__(self, url: str) -> None:
        self._note: str | None = None
        if urlsplit(url).hostname not in HERE:
            self._note = "the server is on another host"
        self._gpus = GpuReader()
        self._first_j: dict[int, float] = {}
        self._last_j: dict[int, float] = {}
        self._power_j = 0.0
        self._power_s: float | None = None

    async def look(self) -> None:
        if self._note is not None:
            return
        reading = await asyncio.to_thread(self._gpus.read)
        if not reading.gpus:
            self._note = reading.note or "no card that says what it draws"
            return
        now_s, counters = time.monotonic(), {g.index: g.energy_j for g in reading.gpus}
        known = {index: joules for index, joules in counters.items() if joules is not None}
        self._first_j = self._first_j or known
        self._last_j = known
        power_w = [gpu.power_w for gpu in reading.gpus]
        if self._power_s is not None:
            self._power_j += sum(w for w in power_w if w is not None) * (now_s - self._power_s)
        self._power_s = now_s
        if not known and None in power_w:
            self._note = "a card does not say what it draws"

    @property
    def drawn(self) -> tuple[float | None, str | None]:
        if self._note is not None:
            return None, self._note
        if self._first_j and self._first_j.keys() == self._last_j.keys():
            each = (self._last_j[index] - joules for index, joules in self._first_j.items())
            return sum(max(0.0, joules) for joules in each), None
        return self._power_j, None


def _percentiles(found: Quantiles) -> Percentiles:
    """What is only the bound of a histogram's outermost bucket is not known."""
    return Percentiles(
        None if found.p50_bound else found.p50,
        None if found.p95_bound else found.p95,
        None if found.p99_bound else found.p99,
        found.mean,
    )


def _larger(*values: float | None) -> float | None:
    known: Iterable[float] = [value for value in values if value is not None]
    return max(known, default=None)
