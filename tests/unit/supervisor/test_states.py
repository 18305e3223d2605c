"""The table of transitions against the states that it is about."""

from __future__ import annotations

import pytest

from vconsole.supervisor.model import ServerState
from vconsole.supervisor.servers.states import LEGAL, is_legal

S = ServerState


def test_every_state_has_a_row_and_a_way_out() -> None:
    assert set(LEGAL) == set(ServerState)
    assert all(LEGAL.values())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (S.STOPPED, S.STARTING),
        (S.STOPPED, S.FAILED),
        (S.STARTING, S.READY),
        (S.STARTING, S.STOPPING),
        (S.READY, S.STOPPING),
        (S.STOPPING, S.STOPPED),
        (S.STOPPING, S.FAILED),
        (S.FAILED, S.STOPPED),
        (S.BACKOFF, S.STARTING),
    ],
)
def test_promised_transitions_are_legal(before: ServerState, after: ServerState) -> None:
    assert is_legal(before, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [(S.STOPPED, S.STOPPING), (S.STOPPING, S.READY), (S.READY, S.STARTING)],
)
def test_others_are_not(before: ServerState, after: ServerState) -> None:
    assert not is_legal(before, after)


def test_every_state_can_be_reached_from_stopped() -> None:
    reached = {S.STOPPED}
    while more := {after for state in reached for after in LEGAL[state]} - reached:
        reached |= more
    assert reached == set(ServerState)
