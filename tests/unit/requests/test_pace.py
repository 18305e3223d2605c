"""What is sent by a full engine's batch goes one after another, not in one go."""

from __future__ import annotations

import pytest

from vconsole.requests.batch.concurrency import Concurrency, Look
from vconsole.requests.batch.pace import AT_ONCE_S, HEADROOM, MOST_S, Pace


def paced(limit: int, *took_s: float) -> Pace:
    pace = Pace()
    for seconds in took_s:
        pace.took(seconds)
    pace.settle(limit)
    return pace


def test_a_full_limit_is_refilled_within_what_a_request_takes() -> None:
    """64 in flight of 2 s each are 32 a second; a little faster, and a few at once."""
    pace = paced(64, *[2.0] * 10)
    waits = [pace.wait_s(100.0) for _ in range(64)]
    assert waits[0] == 0
    assert waits[-1] == pytest.approx(min(MOST_S, 63 / (32 * HEADROOM) - AT_ONCE_S))
    assert 1 < sum(1 for each in waits if not each) <= 1 + AT_ONCE_S * 32 * HEADROOM
    assert waits[-1] < 2.0


def test_who_comes_by_themselves_never_waits() -> None:
    pace = paced(64, *[2.0] * 10)
    assert [pace.wait_s(100 + number / 40) for number in range(200)] == [0.0] * 200


def test_a_server_that_was_away_slows_nobody_down() -> None:
    """48 requests waited a minute for it, 16 came after that: these tell how quick it is."""
    pace = paced(64, *[60.0] * 48, *[1.0] * 17)
    assert pace.wait_s(0.0) == 0.0
    assert sum(pace.wait_s(0.0) > AT_ONCE_S for _ in range(8)) == 0


def test_no_wait_is_long_and_nothing_is_paced_before_it_is_known() -> None:
    slow = paced(1, *[300.0] * 10)
    assert max(slow.wait_s(0.0) for _ in range(5)) == MOST_S
    assert paced(64, 2.0, 2.0).wait_s(0.0) == 0.0
    free = paced(1, *[300.0] * 10)
    free.settle(None)
    assert [free.wait_s(0.0) for _ in range(5)] == [0.0] * 5


def test_the_engine_is_full_once_a_line_stood_and_a_fixed_number_never_is() -> None:
    found, fixed = Concurrency(None), Concurrency(64)
    for second in range(12):
        look = Look(float(second), found.total, 10.0, 100 * second, 16.0, float(found.total - 16))
        found.look(look)
        fixed.look(look)
    assert found.is_full
    assert not fixed.is_full
