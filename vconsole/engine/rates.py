"""What scrapes of `/metrics` mean over time: rates, percentiles and shares of recent work.

Feed a `MetricsWindow` about once a second; it keeps a minute of scrapes, however often it is fed.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from vconsole.engine.metrics import Histogram, Metrics, Quantiles, Scrape

RATE_WINDOW_S = 5.0
LATENCY_WINDOW_S = 60.0
# Half a period of a 1 Hz feed: a scrape that came a little early still bounds the window.
_SLACK_S = 0.5

Counter = Callable[[Scrape], float | None]


@dataclass(frozen=True, slots=True)
class _Sample:
    at_s: float
    scrape: Scrape


class MetricsWindow:
    """The last minute of one server's scrapes.

    A restarted server (a counter fell, or the process is another one) begins a new window, so that
    no figure mixes two lives. Instants are monotonic seconds of the caller's clock.
    """

    def __init__(self) -> None:
        self._samples: deque[_Sample] = deque()

    def add(self, at_s: float, scrape: Scrape) -> None:
        """Take one scrape; one that is not newer than the last is ignored."""
        samples = self._samples
        if samples and not at_s > samples[-1].at_s:
            return
        if samples and _restarted(samples[-1].scrape, scrape):
            samples.clear()
        if len(samples) > 1 and at_s - samples[-2].at_s < _SLACK_S:
            samples.pop()
        samples.append(_Sample(at_s, scrape))
        while len(samples) > 1 and samples[1].at_s <= at_s - LATENCY_WINDOW_S:
            samples.popleft()

    def metrics(self, now_s: float) -> Metrics | None:
        """What the window says; None before the first scrape.

        Windows end at the last scrape; `sample_age_s` says how long ago that was. Where scrapes
        are missing, a window reaches back to the last one before the gap.
        """
        if not self._samples:
            return None
        last = self._samples[-1]
        recent = _Span(self._before(last.at_s - RATE_WINDOW_S), last)
        minute = _Span(self._before(last.at_s - LATENCY_WINDOW_S), last)
        step = _Span(self._samples[-2] if len(self._samples) > 1 else last, last)
        scrape = last.scrape
        return Metrics(
            requests_running=scrape.requests_running,
            requests_waiting=scrape.requests_waiting,
            kv_cache_usage=scrape.kv_cache_usage,
            kv_cache_tokens=scrape.kv_cache_tokens,
            prompt_tokens_per_s=recent.rate(lambda s: s.prompt_tokens),
            generation_tokens_per_s=recent.rate(lambda s: s.generation_tokens),
            requests_per_s=recent.rate(lambda s: s.requests_finished),
            prefix_cache_hit_rate=minute.share(
                lambda s: s.prefix_cache_hits, lambda s: s.prefix_cache_queries
            ),
            preemptions=scrape.preemptions,
            ttft_ms=minute.quantiles(lambda s: s.ttft),
            itl_ms=minute.quantiles(lambda s: s.itl),
            e2e_ms=minute.quantiles(lambda s: s.e2e),
            spec_acceptance=minute.share(
                lambda s: s.spec_accepted_tokens, lambda s: s.spec_draft_tokens
            ),
            sample_age_s=max(0.0, now_s - last.at_s),
            instant_generation_tokens_per_s=step.rate(lambda s: s.generation_tokens),
        )

    def _before(self, at_s: float) -> _Sample:
        """The newest sample at or before an instant, else the oldest one there is."""
        for sample in reversed(self._samples):
            if sample.at_s <= at_s + _SLACK_S:
                return sample
        return self._samples[0]


@dataclass(frozen=True, slots=True)
class _Span:
    """Two scrapes of the same life of a server, and what happened between them."""

    first: _Sample
    last: _Sample

    def increase(self, counter: Counter) -> float | None:
        before, after = counter(self.first.scrape), counter(self.last.scrape)
        return None if before is None or after is None else after - before

    def rate(self, counter: Counter) -> float | None:
        seconds = self.last.at_s - self.first.at_s
        increase = self.increase(counter)
        return None if increase is None or seconds <= 0 else increase / seconds

    def share(self, part: Counter, whole: Counter) -> float | None:
        part_increase, whole_increase = self.increase(part), self.increase(whole)
        if part_increase is None or not whole_increase:
            return None
        return min(1.0, part_increase / whole_increase)

    def quantiles(self, family: Callable[[Scrape], Histogram | None]) -> Quantiles:
        before, after = family(self.first.scrape), family(self.last.scrape)
        if before is None or after is None or before.bounds != after.bounds:
            return Quantiles()
        counts = tuple(new - old for new, old in zip(after.counts, before.counts, strict=True))
        if counts[-1] <= 0:
            return Quantiles()
        p50, p95, p99 = (_ms(quantile(q, after.bounds, counts)) for q in (0.50, 0.95, 0.99))
        return Quantiles(p50, p95, p99, _ms((after.total - before.total) / counts[-1]))


def quantile(q: float, bounds: tuple[float, ...], counts: tuple[float, ...]) -> float | None:
    """The value below which the share `q` of the observations lies, linear within its bucket.

    The arithmetic of Prometheus's `histogram_quantile` (bucketQuantile in promql/quantile.go): the
    first bucket begins at 0, and beyond the last finite bound that bound is the answer.
    `counts` are cumulative, `bounds` ascend and end with infinity; None without observations.
    """
    if len(bounds) < 2 or counts[-1] <= 0:
        return None
    rank = q * counts[-1]
    at = next((i for i, count in enumerate(counts[:-1]) if count >= rank), len(counts) - 1)
    if at == len(counts) - 1:
        return bounds[-2]
    if at == 0 and bounds[0] <= 0:
        return bounds[0]
    start, below = (bounds[at - 1], counts[at - 1]) if at else (0.0, 0.0)
    in_bucket = counts[at] - below
    return start + (bounds[at] - start) * (rank - below) / in_bucket if in_bucket else start


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None or not math.isfinite(seconds) else seconds * 1000


def _restarted(before: Scrape, after: Scrape) -> bool:
    starts = (before.started_at_s, after.started_at_s)
    if None not in starts and starts[0] != starts[1]:
        return True
    return any(
        old is not None and new is not None and new < old
        for old, new in zip(_counters(before), _counters(after), strict=True)
    )


def _counters(scrape: Scrape) -> tuple[float | None, ...]:
    histograms = (scrape.ttft, scrape.itl, scrape.e2e)
    return (
        scrape.prompt_tokens,
        scrape.generation_tokens,
        scrape.requests_finished,
        scrape.preemptions,
        scrape.prefix_cache_queries,
        scrape.prefix_cache_hits,
        scrape.spec_draft_tokens,
        scrape.spec_accepted_tokens,
        *(None if histogram is None else histogram.count for histogram in histograms),
        *(None if histogram is None else histogram.total for histogram in histograms),
    )
