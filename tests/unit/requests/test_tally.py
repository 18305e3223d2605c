"""Counting what was served, across restarts of vLLM and of the supervisor."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from vconsole.engine.metrics.figures import Scrape
from vconsole.supervisor.memory.tally import Counters, Increase, counters_of, increase, latest

BEFORE = Counters("life-1", 1000.0, 400.0, 2.0, {"stop": 10.0, "length": 3.0})


def test_an_increase_is_the_difference_of_one_life() -> None:
    after = Counters("life-1", 1500.0, 460.0, 2.0, {"stop": 14.0, "length": 3.0, "abort": 1.0})
    assert increase(BEFORE, after) == Increase(500.0, 60.0, 0.0, {"stop": 4.0, "abort": 1.0})


def test_another_life_begins_at_zero() -> None:
    after = Counters("life-2", 1500.0, 60.0, 0.0, {"stop": 4.0})
    assert increase(BEFORE, after) == Increase(1500.0, 60.0, 0.0, {"stop": 4.0})


def test_a_counter_that_fell_begins_at_zero() -> None:
    after = Counters("life-1", 7.0, 460.0, 2.0, {"stop": 2.0, "length": 3.0})
    assert increase(BEFORE, after) == Increase(7.0, 60.0, 0.0, {"stop": 2.0})


def test_the_past_of_a_foreign_server_is_not_ours() -> None:
    first = Counters("life-9", 900.0, 90.0, 0.0, {"stop": 9.0})
    assert increase(None, first, foreign=True) == Increase()
    assert increase(BEFORE, first, foreign=True) == Increase()
    later = Counters("life-9", 901.0, 95.0, 0.0, {"stop": 10.0})
    assert increase(first, later, foreign=True) == Increase(1.0, 5.0, 0.0, {"stop": 1.0})


def test_a_scrape_without_a_family_counts_nothing_twice() -> None:
    empty = counters_of("life-1", Scrape())
    assert increase(BEFORE, empty) == Increase()
    remembered = latest(BEFORE, empty)
    assert remembered == BEFORE
    whole = Counters("life-1", 1001.0, 400.0, 2.0, {"stop": 10.0, "length": 3.0})
    assert increase(remembered, whole) == Increase(prompt_tokens=1.0)


COUNTS = st.none() | st.integers(0, 2**53).map(float)
READINGS = st.builds(
    Counters,
    st.sampled_from(["a", "b"]),
    COUNTS,
    COUNTS,
    COUNTS,
    st.dictionaries(st.sampled_from(["stop", "length", ""]), COUNTS.filter(bool), max_size=3),
)


@given(st.none() | READINGS, READINGS, st.booleans())
def test_no_increase_is_negative_or_unknown(
    before: Counters | None, after: Counters, foreign: bool
) -> None:
    more = increase(before, after, foreign=foreign)
    figures = [more.prompt_tokens, more.generation_tokens, more.preemptions]
    assert all(math.isfinite(f) and f >= 0 for f in (*figures, *more.finished.values()))
    assert increase(latest(before, after), after) == Increase()


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=30))
def test_the_sum_of_increases_is_what_was_served(steps: list[int]) -> None:
    """However a life is cut into readings, and lives into a day."""
    before, total, served, life, count = None, 0.0, 0, 0, 0
    for step in steps:
        if step > 900:
            life, count = life + 1, 0
        count, served = count + step, served + step
        after = Counters(str(life), generation_tokens=float(count))
        total += increase(before, after).generation_tokens
        before = latest(before, after)
    assert total == served
