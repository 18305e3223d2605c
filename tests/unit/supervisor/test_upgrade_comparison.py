"""When a new engine counts as slower: clearly, and not by what the machine varies."""

from __future__ import annotations

import pytest

from vconsole.supervisor.upgrading.comparison import Comparison


@pytest.mark.parametrize(
    ("old", "new", "another_look"),
    [
        ((1000,), (800,), False),
        ((1000,), (2600,), False),
        ((1000,), (740,), True),
        # Both were looked at twice: there is no third time.
        ((1000, 950), (700, 690), False),
    ],
)
def test_both_are_timed_again_only_where_the_new_one_seems_slower(
    old: tuple[float, ...], new: tuple[float, ...], another_look: bool
) -> None:
    assert Comparison(old, new).needs_another_look is another_look


@pytest.mark.parametrize(
    ("old", "new", "slower"),
    [
        ((1000, 950), (700, 690), True),
        # The old one itself was once as slow as the new one.
        ((2600, 520), (700, 690), False),
        # The new one was disturbed the first time.
        ((1000, 950), (300, 900), False),
        ((1000, 990), (743, 742), False),
        ((1000, 1000), (749, 749), True),
    ],
)
def test_it_is_slower_where_its_best_is_clearly_below_the_worst_of_the_old(
    old: tuple[float, ...], new: tuple[float, ...], slower: bool
) -> None:
    assert Comparison(old, new).is_slower is slower


def test_it_says_how_far_the_visits_lie_apart_and_what_others_did() -> None:
    found = Comparison((1000, 1250.4), (700,), busy=0.6)
    assert found.words == "700 tokens/s, 1,000 to 1,250 with the current one"
    assert not found.is_judged
    assert Comparison((1,), (1,), busy=0.5).is_judged
