"""Budgets and burn rates against hand-worked numbers, and the rules against the same table."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vconsole import paths
from vconsole.engine.metrics.figures import Histogram, Scrape
from vconsole.engine.metrics.levels import at_most, failed_answers, slower_than
from vconsole.engine.metrics.quantiles import quantile
from vconsole.monitoring.budget import (
    ALARMS,
    PERIOD_S,
    WINDOWS_S,
    Counted,
    alarm,
    budget_left,
    burn_rate,
    lasts_s,
)

HISTOGRAM = Histogram((0.1, 0.5, 1.0, float("inf")), (10.0, 60.0, 90.0, 100.0), 52.0)
counts = st.lists(st.integers(0, 1000), min_size=4, max_size=4).map(
    lambda each: tuple(float(sum(each[: i + 1])) for i in range(4))
)


def test_a_budget_is_spent_by_the_share_that_was_bad() -> None:
    # 1 of 100 may fail; of 10,000 twenty did, that is a fifth of the hundred that may.
    assert burn_rate(Counted(10_000, 20), 0.01) == pytest.approx(0.2)
    assert budget_left(Counted(10_000, 20), 0.01) == pytest.approx(0.8)
    assert budget_left(Counted(100, 3), 0.01) == pytest.approx(-2.0)


def test_of_nothing_counted_nothing_is_known() -> None:
    assert burn_rate(Counted(), 0.01) is None
    assert budget_left(Counted(), 0.01) is None
    assert burn_rate(Counted(5, 1), 0.0) is None


def test_a_budget_that_burns_fourteen_times_too_fast_lasts_two_days() -> None:
    assert lasts_s(14.4, 1.0) == pytest.approx(PERIOD_S / 14.4)
    assert lasts_s(1.0, 1.0) == PERIOD_S
    assert lasts_s(0.0, 1.0) is None
    assert lasts_s(2.0, -0.5) == 0.0


@pytest.mark.parametrize("which", ALARMS)
def test_an_alarm_needs_both_of_its_windows(which: object) -> None:
    one = next(each for each in ALARMS if each is which)
    calm: dict[str, float | None] = dict.fromkeys(WINDOWS_S, 0.0)
    assert alarm(calm | {one.long: one.burn, one.short: one.burn}) is one
    assert alarm(calm | {one.long: one.burn}) is None
    assert alarm(calm | {one.short: one.burn}) is None
    assert alarm(calm | {one.long: None, one.short: one.burn}) is None


def test_the_exported_rules_have_the_same_windows_and_factors() -> None:
    rules = (paths.resources_dir() / "monitoring" / "rules.yml").read_text()
    found = re.findall(
        r"rate(\w+) > \(([\d.]+) \* @error_ratio\) and vconsole:error_ratio:rate(\w+)", rules
    )
    assert found == [(one.long, f"{one.burn:g}", one.short) for one in ALARMS if one.word == "fast"]


@pytest.mark.parametrize(
    ("seconds", "kept"),
    [(0.1, 10), (0.3, 35), (0.5, 60), (0.75, 75), (1.0, 90), (50.0, 90), (0.05, 5), (0.0, 0)],
)
def test_a_target_between_bounds_is_read_off_the_line_between(seconds: float, kept: float) -> None:
    assert at_most(HISTOGRAM, seconds) == pytest.approx(kept)
    assert slower_than(HISTOGRAM, seconds * 1000) == pytest.approx((100.0, 100.0 - kept))


@given(counts, st.floats(0.01, 0.99))
def test_it_is_the_inverse_of_the_percentile(cumulative: tuple[float, ...], q: float) -> None:
    histogram = Histogram(HISTOGRAM.bounds, cumulative, 1.0)
    value = quantile(q, histogram.bounds, histogram.counts)
    rank = q * histogram.count
    if value is None or rank > cumulative[-2]:
        return
    assert at_most(histogram, value) >= rank * (1 - 1e-9)


def test_only_what_the_server_could_not_do_is_an_error() -> None:
    found = Scrape(answers_by_status={"2xx": 90.0, "4xx": 8.0, "5xx": 2.0})
    assert failed_answers(found) == (100.0, 2.0)
    assert failed_answers(Scrape()) is None
    assert slower_than(None, 100.0) is None
