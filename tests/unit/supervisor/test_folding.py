"""Many samples made few, against hand-worked numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from vconsole.supervisor.memory.folding import fold
from vconsole.supervisor.model import Sample

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


def at(second: float, **figures: float) -> Sample:
    return Sample(NOW - timedelta(seconds=second), **figures)


def test_rates_are_means_and_queues_are_peaks() -> None:
    samples = [
        at(19, generation_tokens_per_s=100.0, requests_waiting=0.0, kv_cache_usage=0.2),
        at(15, generation_tokens_per_s=200.0, requests_waiting=7.0, kv_cache_usage=0.9),
        at(11, requests_waiting=1.0, kv_cache_usage=0.4),
        at(5, generation_tokens_per_s=50.0),
    ]
    first, second = fold(samples, 20, 2, NOW - timedelta(seconds=1))
    assert first.at == NOW - timedelta(seconds=20)
    assert first.generation_tokens_per_s == 150.0
    assert (first.requests_waiting, first.kv_cache_usage) == (7.0, 0.9)
    assert second.generation_tokens_per_s == 50.0
    assert second.requests_waiting is None


def test_a_gap_stays_a_gap() -> None:
    folded = fold([at(2995, requests_running=1.0), at(1, requests_running=2.0)], 3600, 6, NOW)
    assert [sample.requests_running for sample in folded] == [1.0, 2.0]
    assert folded[1].at - folded[0].at >= timedelta(minutes=40)


@given(
    st.lists(st.tuples(st.floats(-1e6, 1e6), st.none() | st.floats(0, 1e9)), max_size=60),
    st.floats(0, 7 * 86_400),
    st.integers(1, 500),
)
def test_never_more_points_than_asked_for_and_none_outside(
    raw: list[tuple[float, float | None]], seconds: float, points: int
) -> None:
    samples = [at(second, requests_running=value or 0.0) for second, value in raw]
    folded = fold(samples, seconds, points, NOW)
    assert len(folded) <= points
    assert [one.at for one in folded] == sorted({one.at for one in folded})
    known = [one.requests_running for one in samples if one.requests_running is not None]
    for one in folded:
        assert one.requests_running is not None
        assert min(known) * (1 - 1e-9) <= one.requests_running <= max(known) * (1 + 1e-9)
