"""A difference is called one beyond the noise alone."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from vconsole.requests.bench.compare import compare, compare_all
from vconsole.requests.bench.comparing import unequal_answers
from vconsole.requests.bench.kept import Bench
from vconsole.requests.bench.model import (
    ClientShare,
    Load,
    Measured,
    Percentiles,
    ServerView,
    Target,
    Verdict,
)
from vconsole.requests.bench.plan import BenchSpec
from vconsole.requests.bench.tables import server_side
from vconsole.requests.bench.words import warnings

NONE = Percentiles()
ONE = Measured(
    target="a",
    url="http://x",
    model="m",
    load=Load(8),
    requests=8,
    failed=0,
    duration_s=1.0,
    requests_per_s=8.0,
    generation_tokens_per_s=100.0,
    prompt_tokens_per_s=100.0,
    prompt_tokens=100,
    generation_tokens=100,
    ttft_ms=Percentiles(10.0, 20.0, 30.0, 12.0),
    itl_ms=NONE,
    tpot_ms=NONE,
    e2e_ms=NONE,
    client=ClientShare(0.1),
    begun_at=datetime(2026, 11, 24, tzinfo=UTC),
)


def series(*rates: float) -> list[Measured]:
    return [replace(ONE, generation_tokens_per_s=rate) for rate in rates]


def test_a_planted_difference_is_found_with_its_size() -> None:
    found = compare(series(100, 101, 99, 100), series(120, 122, 119, 120))
    assert found.verdict is Verdict.HIGHER
    assert found.better is True
    assert found.ratio == pytest.approx(1.2, abs=0.01)
    assert found.low is not None
    assert found.high is not None
    assert 1.15 < found.low < 1.2 < found.high < 1.25


def test_noise_is_no_difference() -> None:
    found = compare(series(100, 140, 80), series(120, 90, 130))
    assert found.verdict is Verdict.NO_DIFFERENCE
    assert found.better is None


def test_of_equal_servers_one_in_twenty_is_called_different_at_most() -> None:
    chance, called = random.Random(3), 0
    for _ in range(400):
        a, b = ([chance.gauss(100, 15) for _ in range(5)] for _ in range(2))
        called += compare(series(*a), series(*b)).verdict is not Verdict.NO_DIFFERENCE
    assert called <= 400 * 0.08


def test_what_befell_both_at_once_says_nothing() -> None:
    """The machine slows down to a half; interleaved, the tenth between them is seen."""
    slowing = [100, 80, 60, 50]
    a, b = series(*slowing), series(*(each * 1.1 for each in slowing))
    assert compare(a, b).verdict is Verdict.HIGHER
    assert compare(a, b, interleaved=False).verdict is Verdict.NO_DIFFERENCE


def test_latency_is_better_lower() -> None:
    def of(*values: float) -> list[Measured]:
        return [replace(ONE, ttft_ms=Percentiles(p50=value)) for value in values]

    found = compare(of(10, 10.1, 9.9), of(5, 5.1, 5.0), "ttft_ms")
    assert (found.verdict, found.better) == (Verdict.LOWER, True)


def test_the_interval_is_students() -> None:
    """Three pairs with log ratios of 0.1, 0.2 and 0.3: 0.2 +- 4.303 * 0.1 / sqrt 3."""
    a = series(1, 1, 1)
    b = series(*(math.exp(each) for each in (0.1, 0.2, 0.3)))
    found = compare(a, b)
    half = 4.303 * 0.1 / math.sqrt(3)
    assert found.ratio == pytest.approx(math.exp(0.2))
    assert found.low == pytest.approx(math.exp(0.2 - half))
    assert found.high == pytest.approx(math.exp(0.2 + half))


def test_once_is_too_few_and_nothing_is_nothing() -> None:
    assert compare(series(100), series(200)).verdict is Verdict.TOO_FEW
    assert compare(series(100), series(200)).ratio == pytest.approx(2)
    nothing = compare(series(100), series(200), "itl_ms")
    assert (nothing.verdict, nothing.ratio) == (Verdict.TOO_FEW, None)
    assert compare(series(100, 101), series(200), interleaved=False).verdict is Verdict.TOO_FEW


def test_what_cannot_matter_is_not_called_a_difference() -> None:
    a, b = series(100, 100.01, 100.02), series(100.1, 100.11, 100.12)
    assert compare(a, b).verdict is Verdict.NO_DIFFERENCE


def test_over_all_loads_each_repeat_counts_once() -> None:
    """Two loads whose ratios are 1.1 and 1.3: their geometric mean, in each of three repeats."""
    pairs = [
        (series(100, 101, 99), series(110, 111.1, 108.9)),
        (series(500, 400, 450), series(650, 520, 585)),
    ]
    found = compare_all(pairs)
    assert found.ratio == pytest.approx(math.sqrt(1.1 * 1.3))
    assert (found.verdict, found.better, found.repeats) == (Verdict.HIGHER, True, 3)


def test_over_all_loads_opposite_differences_are_none() -> None:
    pairs = [
        (series(100, 101, 99), series(120, 123, 118)),
        (series(100, 102, 99), series(83, 84, 83)),
    ]
    assert compare_all(pairs).verdict is Verdict.NO_DIFFERENCE


def test_a_repeat_that_one_load_lacks_is_left_out() -> None:
    pairs = [(series(100, 100, 1), series(200, 200, 1)), (series(100, 100), series(200, 200))]
    found = compare_all(pairs)
    assert found.repeats == 2
    assert found.ratio == pytest.approx(2)


def test_answers_of_other_lengths_are_told() -> None:
    spec = BenchSpec((Target("a", ""), Target("b", "")), concurrency=(8,))
    load = spec.loads[0]
    mine = replace(ONE, load=load)
    rival = replace(mine, target="b", generation_tokens=50)
    bench = Bench("m1", spec, ONE.begun_at, measured=(mine, rival))
    (said,) = unequal_answers(bench)
    assert "b answers with 6.2 tokens in the mean, a with 12.5, at 8" in said
    assert said in warnings(bench)
    assert unequal_answers(replace(bench, measured=(mine, replace(mine, target="b")))) == []


def test_the_servers_own_view_is_the_middle_of_its_repeats_and_the_most_of_a_most() -> None:
    views = [
        ServerView(e2e_ms=Percentiles(mean=mean), requests_running_max=most, preemptions=0)
        for mean, most in ((10.0, 3.0), (30.0, 8.0), (20.0, None))
    ]
    spec = BenchSpec((Target("a", ""),), concurrency=(8,))
    found = tuple(replace(ONE, load=spec.loads[0], server=view) for view in views)
    bench = Bench("m1", spec, ONE.begun_at, measured=found)
    (row,) = server_side(bench).rows
    assert row == ("a", "8", "—", "—", "mean 20.0", "8", "—", "—", "0")
    unknown = replace(bench, measured=(replace(ONE, load=spec.loads[0]),))
    assert server_side(unknown).rows == ()
