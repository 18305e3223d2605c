"""Commands in the background: one at a time, seen by whoever looks, and ended as they end."""

from __future__ import annotations

import re

import pytest

from tests.support.home import wait_until
from vconsole import __version__
from vconsole.errors import VConsoleError
from vconsole.tui.background import chores
from vconsole.tui.background.chores import Chore


def ended() -> Chore:
    """The chore, once it is over."""
    wait_until(
        "the chore has ended", lambda: (now := chores.look()) is not None and not now.running
    )
    found = chores.look()
    assert found is not None
    return found


def test_there_was_none() -> None:
    assert chores.look() is None


def test_what_it_says_is_kept_and_that_it_went_well() -> None:
    chores.begin("--version")
    found = ended()
    assert found.command == "vconsole --version"
    assert any(__version__ in line for line in found.said)
    assert not found.failed
    assert found.hint is None
    assert chores.chore_path().stat().st_mode & 0o777 == 0o600


def test_one_that_failed_says_what_to_do() -> None:
    chores.begin("engine", "use", "no such one")
    found = ended()
    assert found.command == "vconsole engine use 'no such one'"
    assert found.failed
    assert found.hint is not None
    assert re.search(r"vconsole engine", found.hint)


def test_a_second_one_waits_for_the_first() -> None:
    chores.begin("supervisor", "run")
    running = chores._begun[-1]
    try:
        now = chores.look()
        assert now is not None
        assert now.running
        with pytest.raises(VConsoleError, match="vconsole supervisor run is still going on"):
            chores.begin("--version")
    finally:
        running.kill()
        running.wait()
    assert not ended().running
    chores.begin("--version")
    assert ended().command == "vconsole --version"
