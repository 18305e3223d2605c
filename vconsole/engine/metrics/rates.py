"""What scrapes of `/metrics` mean over time: rates, percentiles and shares of recent work.

Feed a `MetricsWindow` about once a second; it keeps a minute of scrapes, however often it is fed,
and of the ten minutes before one every ten seconds.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import chain

from vconsole.engine.metrics.figures import Metrics, Scrape
from vconsole.engine.metrics.span import Sample, Span

RATE_WINDOW_S = 5.0
MINUTE_S = 60.0
TEN_MINUTES_S = 600.0
# An old scrape only begins a window of ten minutes: ten seconds more or less are two percent.
OLD_EVERY_S = 10.0
# Half a period of a 1 Hz feed: a scrape that came a little early still bounds the window.
_SLACK_S = 0.5


class MetricsWindow:
    """The last ten minutes of one server's scrapes.

    A restarted server (a counter fell, or the process is another one) begins a new window, so that
    no figure mixes two lives. Instants are monotonic seconds of the caller's clock.
    """

    def __init__(self) -> None:
        self._samples: deque[Sample] = deque()
        self._old: deque[Sample] = deque()

    def add(self, at_s: float, scrape: Scrape) -> None:
        """Take one scrape; one that is not newer than the last is ignored."""
        samples = self._samples
        if samples and not at_s > samples[-1].at_s:
            return
        if samples and _restarted(samples[-1].scrape, scrape):
            samples.clear()
            self._old.clear()
        if len(samples) > 1 and at_s - samples[-2].at_s < _SLACK_S:
            samples.pop()
        samples.append(Sample(at_s, scrape))
        while len(samples) > 1 and samples[1].at_s <= at_s - MINUTE_S:
            self._set_aside(samples.popleft())
        while len(self._old) > 1 and self._old[1].at_s <= at_s - TEN_MINUTES_S + _SLACK_S:
            self._old.popleft()

    def metrics(self, now_s: float) -> Metrics | None:
        """What the window says; None before the first scrape.

        Windows end at the last scrape; `sample_age_s` says how long ago that was. Where scrapes
        are missing, a window reaches back to the last one before the gap.
        """
        if not self._samples:
            return None
        last = self._samples[-1]
        recent, minute, ten = (
            Span(self._before(last.at_s - window_s), last)
            for window_s in (RATE_WINDOW_S, MINUTE_S, TEN_MINUTES_S)
        )
        step = Span(self._samples[-2] if len(self._samples) > 1 else last, last)
        scrape = last.scrape
        return Metrics(
            requests_running=scrape.requests_running,
            requests_waiting=scrape.requests_waiting,
            kv_cache_usage=scrape.kv_cache_usage,
            kv_cache_tokens=scrape.kv_cache_tokens,
            prompt_tokens_per_s=recent.rate(lambda s: s.prompt_tokens),
            generation_tokens_per_s=recent.rate(lambda s: s.generation_tokens),
            requests_per_s=recent.rate(lambda s: s.requests_finished),
            prefix_cache_hit_rate=minute.hit_rate(),
            preemptions=scrape.preemptions,
            ttft_ms=minute.quantiles(lambda s: s.ttft),
            itl_ms=minute.quantiles(lambda s: s.itl),
            e2e_ms=minute.quantiles(lambda s: s.e2e),
            spec_acceptance=minute.share(
                lambda s: s.spec_accepted_tokens, lambda s: s.spec_draft_tokens
            ),
            sample_age_s=max(0.0, now_s - last.at_s),
            instant_generation_tokens_per_s=step.rate(lambda s: s.generation_tokens),
            ttft_10min_ms=ten.quantiles(lambda s: s.ttft),
            itl_10min_ms=ten.quantiles(lambda s: s.itl),
            e2e_10min_ms=ten.quantiles(lambda s: s.e2e),
            waiting_by_reason=dict(scrape.waiting_by_reason),
            batch_size=minute.ratio(
                lambda s: s.generation_tokens, lambda s: s.steps.count if s.steps else None
            ),
            step_tokens=minute.mean(lambda s: s.steps),
            prefix_caching=scrape.prefix_caching,
            preemptions_10min=ten.increase(lambda s: s.preemptions),
            prefill_ms=minute.mean_ms(lambda s: s.prefill),
            decode_ms=minute.mean_ms(lambda s: s.decode),
            finished_10min=ten.increase(lambda s: s.requests_finished),
            prompt_tokens_mean_10min=ten.mean(lambda s: s.request_prompt_tokens),
            longest_request_tokens_10min=ten.longest_request_tokens(),
        )

    def _set_aside(self, sample: Sample) -> None:
        if not self._old or sample.at_s - self._old[-1].at_s >= OLD_EVERY_S - _SLACK_S:
            self._old.append(sample)

    def _before(self, at_s: float) -> Sample:
        """The newest sample at or before an instant, else the oldest one there is."""
        for sample in self._newest_first():
            if sample.at_s <= at_s + _SLACK_S:
                return sample
        return self._old[0] if self._old else self._samples[0]

    def _newest_first(self) -> Iterator[Sample]:
        return chain(reversed(self._samples), reversed(self._old))


def _restarted(before: Scrape, after: Scrape) -> bool:
    starts = (before.started_at_s, after.started_at_s)
    if None not in starts and starts[0] != starts[1]:
        return True
    return any(
        old is not None and new is not None and new < old
        for old, new in zip(_counters(before), _counters(after), strict=True)
    )


def _counters(scrape: Scrape) -> tuple[float | None, ...]:
    histograms = (
        *(scrape.ttft, scrape.itl, scrape.e2e, scrape.steps, scrape.prefill, scrape.decode),
        *(scrape.request_prompt_tokens, scrape.request_generation_tokens),
    )
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
