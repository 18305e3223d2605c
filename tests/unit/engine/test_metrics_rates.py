"""Rates, percentiles and shares, against numbers worked out by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vconsole.engine.metrics.exposition import parse
from vconsole.engine.metrics.figures import Bound, Histogram, Metrics, Quantiles, Scrape, Sum
from vconsole.engine.metrics.quantiles import quantile
from vconsole.engine.metrics.rates import MetricsWindow

RECORDED = parse((Path(__file__).parents[1] / "data" / "metrics-0.32.0.txt").read_bytes())


def fed(*samples: tuple[float, Scrape]) -> Metrics:
    window = MetricsWindow()
    for at_s, scrape in samples:
        window.add(at_s, scrape)
    metrics = window.metrics(samples[-1][0])
    assert metrics is not None
    return metrics


def emptied(histogram: Histogram | None) -> Histogram:
    assert histogram is not None
    return replace(histogram, counts=(0.0,) * len(histogram.counts), total=0.0)


def test_nothing_is_known_before_the_first_scrape() -> None:
    assert MetricsWindow().metrics(0.0) is None


def test_one_scrape_gives_states_but_no_rates() -> None:
    metrics = fed((0.0, RECORDED))
    assert metrics.requests_running == 0
    assert metrics.kv_cache_tokens == 2_097_152
    assert metrics.preemptions == 0
    assert metrics.generation_tokens_per_s is None
    assert metrics.ttft_ms == Quantiles()


def test_rate_is_the_increase_over_the_real_time_of_five_seconds() -> None:
    # 60 tokens/s for ten seconds, then 120: at 12.5 s the last five hold 2.5 s of each.
    samples = [(float(t), Scrape(generation_tokens=60.0 * t)) for t in range(11)]
    samples += [(t, Scrape(generation_tokens=600 + 120 * (t - 10))) for t in (11.25, 12.5)]
    metrics = fed(*samples)
    # Baseline: the scrape at 8 s (480 tokens); 900 - 480 over 4.5 s.
    assert metrics.generation_tokens_per_s == pytest.approx(420 / 4.5)
    assert metrics.instant_generation_tokens_per_s == pytest.approx(120)


def test_a_late_scrape_is_divided_by_the_time_that_really_passed() -> None:
    metrics = fed((0.0, Scrape(prompt_tokens=0)), (12.0, Scrape(prompt_tokens=600)))
    assert metrics.prompt_tokens_per_s == 50


def test_an_idle_server_has_a_rate_of_zero_but_no_latency() -> None:
    metrics = fed((0.0, RECORDED), (1.0, RECORDED))
    assert metrics.generation_tokens_per_s == 0
    assert metrics.requests_per_s == 0
    assert metrics.ttft_ms == Quantiles()
    assert metrics.prefix_cache_hit_rate is None


def test_missing_families_stay_unknown() -> None:
    metrics = fed((0.0, Scrape()), (1.0, Scrape()))
    assert metrics == Metrics(sample_age_s=0.0)


def test_a_restarted_server_begins_a_new_window() -> None:
    window = MetricsWindow()
    window.add(0.0, Scrape(generation_tokens=1_000_000))
    window.add(1.0, Scrape(generation_tokens=1_000_060))
    window.add(2.0, Scrape(generation_tokens=30))
    after_restart = window.metrics(2.0)
    assert after_restart is not None
    assert after_restart.generation_tokens_per_s is None
    window.add(3.0, Scrape(generation_tokens=90))
    later = window.metrics(3.0)
    assert later is not None
    assert later.generation_tokens_per_s == 60


def test_another_process_with_higher_counters_is_a_restart_too() -> None:
    metrics = fed(
        (0.0, Scrape(generation_tokens=10, started_at_s=100.0)),
        (1.0, Scrape(generation_tokens=1_000_000, started_at_s=200.0)),
    )
    assert metrics.generation_tokens_per_s is None


def test_percentiles_of_the_recorded_body_by_hand() -> None:
    before = replace(RECORDED, ttft=emptied(RECORDED.ttft), itl=emptied(RECORDED.itl))
    metrics = fed((0.0, before), (1.0, RECORDED))
    # 40 observations. Rank 20 lies in (10, 20] ms, which holds the 14th to the 23rd.
    assert metrics.ttft_ms.p50 == pytest.approx(10 + 10 * 7 / 10)
    # Ranks 38 and 39.6 lie in (500, 750] ms, which holds the 33rd to the 40th.
    assert metrics.ttft_ms.p95 == pytest.approx(500 + 250 * 6 / 8)
    assert metrics.ttft_ms.p99 == pytest.approx(500 + 250 * 7.6 / 8)
    assert metrics.ttft_ms.mean == pytest.approx(6081.462860107422 / 40)
    # Rank 620 of 1240 lies in the first bucket, which holds 998 and ends at 10 ms.
    assert (metrics.itl_ms.p50, metrics.itl_ms.p50_bound) == (10, Bound.AT_MOST)
    assert metrics.itl_ms.p95_bound is None


def test_percentiles_forget_what_is_older_than_a_minute() -> None:
    bounds = (1.0, 2.0, math.inf)
    window = MetricsWindow()
    window.add(0.0, Scrape(ttft=Histogram(bounds, (0, 0, 0), 0)))
    slow = Histogram(bounds, (0, 100, 100), 150)
    fast = Histogram(bounds, (10, 110, 110), 155)
    for second in range(1, 62):
        window.add(float(second), Scrape(ttft=slow))
    window.add(62.0, Scrape(ttft=fast))
    metrics = window.metrics(62.0)
    assert metrics is not None
    assert (metrics.ttft_ms.p99, metrics.ttft_ms.p99_bound) == (1000, Bound.AT_MOST)
    assert metrics.ttft_ms.mean == 500
    # Ten minutes remember the slow hundred: rank 55 of 110 is the 45th of those in (1, 2] s.
    assert metrics.ttft_10min_ms.p50 == pytest.approx(1000 + 1000 * 45 / 100)
    assert metrics.ttft_10min_ms.mean == pytest.approx(155 / 110 * 1000)


def test_ten_minutes_forget_what_is_older_than_ten_minutes() -> None:
    bounds = (1.0, 2.0, 4.0, math.inf)
    window = MetricsWindow()
    slow, fast = (0, 0, 100, 100), (0, 10, 110, 110)
    window.add(0.0, Scrape(ttft=Histogram(bounds, (0, 0, 0, 0), 0), preemptions=0))
    for second in range(1, 700):
        window.add(float(second), Scrape(ttft=Histogram(bounds, slow, 300), preemptions=50))
    window.add(700.0, Scrape(ttft=Histogram(bounds, fast, 315), preemptions=53))
    metrics = window.metrics(700.0)
    assert metrics is not None
    # Only the ten of the last second are left, all in (1, 2] s.
    assert metrics.ttft_10min_ms == metrics.ttft_ms
    assert metrics.ttft_10min_ms.p50 == pytest.approx(1500)
    assert metrics.ttft_10min_ms.mean == 1500
    assert (metrics.preemptions, metrics.preemptions_10min) == (53, 3)


def test_ten_minutes_are_ten_minutes_to_within_ten_seconds() -> None:
    window = MetricsWindow()
    for second in range(1500):
        finished = {"stop": float(second)}
        window.add(float(second), Scrape(preemptions=second, finished_by_reason=finished))
    metrics = window.metrics(1499.0)
    assert metrics is not None
    assert metrics.preemptions_10min is not None
    assert 600 <= metrics.preemptions_10min <= 610
    assert metrics.finished_10min == metrics.preemptions_10min


def test_a_percentile_beyond_the_last_bucket_is_a_bound_from_below() -> None:
    bounds = (1.0, 2.0, math.inf)
    metrics = fed(
        (0.0, Scrape(e2e=Histogram(bounds, (0, 0, 0), 0))),
        (1.0, Scrape(e2e=Histogram(bounds, (10, 60, 100), 900))),
    )
    assert metrics.e2e_ms.p50 == pytest.approx(1800)
    assert metrics.e2e_ms.p50_bound is None
    assert (metrics.e2e_ms.p95, metrics.e2e_ms.p95_bound) == (2000, Bound.AT_LEAST)
    assert metrics.e2e_ms.mean == 9000


def test_a_step_and_a_request_in_the_mean() -> None:
    metrics = fed(
        (0.0, Scrape(generation_tokens=0, steps=Sum(0, 0), prefill=Sum(1, 2), decode=Sum(0, 0))),
        (
            2.0,
            Scrape(
                generation_tokens=600,
                steps=Sum(1800, 150),
                prefill=Sum(3, 12),
                decode=Sum(0, 0),
                waiting_by_reason={"capacity": 2.0},
            ),
        ),
    )
    assert metrics.batch_size == 4
    assert metrics.step_tokens == 12
    assert metrics.prefill_ms == 200
    assert metrics.decode_ms is None
    assert metrics.waiting_by_reason == {"capacity": 2}
    assert metrics.tokens_per_joule is None


def test_shares_are_of_the_last_minute() -> None:
    metrics = fed(
        (0.0, Scrape(prefix_cache_queries=100, prefix_cache_hits=90, spec_draft_tokens=0)),
        (1.0, Scrape(prefix_cache_queries=300, prefix_cache_hits=140, spec_draft_tokens=10)),
    )
    assert metrics.prefix_cache_hit_rate == 0.25
    assert metrics.spec_acceptance is None


def test_speculative_acceptance() -> None:
    metrics = fed(
        (0.0, Scrape(spec_draft_tokens=10, spec_accepted_tokens=5)),
        (1.0, Scrape(spec_draft_tokens=50, spec_accepted_tokens=35)),
    )
    assert metrics.spec_acceptance == 0.75


def test_age_counts_from_the_last_scrape() -> None:
    window = MetricsWindow()
    window.add(5.0, RECORDED)
    metrics = window.metrics(8.5)
    assert metrics is not None
    assert metrics.sample_age_s == 3.5


def test_a_scrape_from_the_past_is_ignored() -> None:
    window = MetricsWindow()
    window.add(5.0, Scrape(generation_tokens=50))
    window.add(4.0, Scrape(generation_tokens=40))
    metrics = window.metrics(5.0)
    assert metrics is not None
    assert metrics.generation_tokens_per_s is None


@pytest.mark.parametrize("period_s", [0.001, 0.3, 1.0, 7.0])
def test_memory_is_bounded_however_often_it_is_fed(period_s: float) -> None:
    window = MetricsWindow()
    for step in range(3_000):
        window.add(step * period_s, Scrape(generation_tokens=10.0 * step * period_s))
    assert len(window._samples) + len(window._old) <= 320
    metrics = window.metrics(3_000 * period_s)
    assert metrics is not None
    assert metrics.generation_tokens_per_s == pytest.approx(10)


@pytest.mark.parametrize(
    ("q", "counts", "expected"),
    [
        (0.5, (10.0, 20.0, 20.0), 1.0),
        (0.75, (10.0, 20.0, 20.0), 1.5),
        (0.05, (10.0, 20.0, 20.0), 0.1),
        (0.99, (10.0, 20.0, 40.0), 2.0),  # beyond the last finite bound
        (0.5, (0.0, 0.0, 0.0), None),
        (0.0, (0.0, 20.0, 20.0), 0.0),
    ],
)
def test_quantile_as_prometheus_does_it(
    q: float, counts: tuple[float, ...], expected: float | None
) -> None:
    result = quantile(q, (1.0, 2.0, math.inf), counts)
    assert result == (None if expected is None else pytest.approx(expected))


def test_a_first_bound_below_zero_is_the_answer_itself() -> None:
    assert quantile(0.5, (-1.0, math.inf), (4.0, 4.0)) == -1.0


_COUNTS = st.one_of(st.none(), st.floats(0, 2**53))
_BOUNDS = (0.01, 0.1, 1.0, math.inf)
_HISTOGRAMS = st.builds(
    lambda counts, total: Histogram(_BOUNDS, tuple(sorted(counts)), total),
    st.lists(st.floats(0, 2**53), min_size=4, max_size=4),
    st.floats(0, 2**53),
)
_SCRAPES = st.builds(
    Scrape,
    generation_tokens=_COUNTS,
    prefix_cache_hits=_COUNTS,
    prefix_cache_queries=_COUNTS,
    ttft=st.one_of(st.none(), _HISTOGRAMS),
)


@given(st.lists(st.tuples(st.floats(0, 1e6), _SCRAPES), max_size=8))
def test_no_sequence_of_scrapes_raises_or_gives_a_negative(
    samples: list[tuple[float, Scrape]],
) -> None:
    window = MetricsWindow()
    for at_s, scrape in samples:
        window.add(at_s, scrape)
        metrics = window.metrics(at_s)
        assert metrics is not None
        assert (metrics.generation_tokens_per_s or 0) >= 0
        assert 0 <= (metrics.prefix_cache_hit_rate or 0) <= 1
        assert 0 <= (metrics.ttft_ms.p99 or 0) <= 1000
