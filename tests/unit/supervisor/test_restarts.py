"""Delays between restarts, and the limit that ends a loop."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vconsole.supervisor.servers.restarts import RestartPolicy

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
POLICY = RestartPolicy()


def ago(*seconds: float) -> tuple[datetime, ...]:
    return tuple(NOW - timedelta(seconds=s) for s in seconds)


def test_delays_double_up_to_the_limit() -> None:
    delays = [POLICY.delay_s(ago(*range(1, count + 1)), NOW, 0.5) for count in range(6)]
    assert delays == [2.0, 4.0, 8.0, 16.0, 32.0, None]


def test_what_is_long_ago_is_forgotten() -> None:
    assert POLICY.delay_s(ago(*range(1801, 1810)), NOW, 0.5) == 2.0


@pytest.mark.parametrize(("chance", "expected"), [(0.0, 1.6), (1.0, 2.4)])
def test_the_delay_is_spread(chance: float, expected: float) -> None:
    assert POLICY.delay_s((), NOW, chance) == pytest.approx(expected)


@given(st.lists(st.floats(-1e6, 1e6), max_size=30), st.floats(0, 1))
def test_a_wrong_clock_never_gives_an_absurd_delay(seconds: list[float], chance: float) -> None:
    delay_s = POLICY.delay_s(ago(*seconds), NOW, chance)
    assert delay_s is None or 0 < delay_s <= POLICY.longest_s * 1.2
