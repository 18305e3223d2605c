"""Ending a tree: what somebody halted is woken, so that it ends by the mild request."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator

import pytest

from tests.support.home import wait_until
from vconsole.supervisor.processes import tree
from vconsole.supervisor.processes.process import end_tree


@pytest.fixture
def halted() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as child:
        child.send_signal(signal.SIGSTOP)
        leader = tree.identify(child.pid)
        assert leader
        wait_until("halted", lambda: tree.state_letter(leader) == "T")
        yield child
        child.kill()


async def test_a_halted_tree_needs_no_kill(halted: subprocess.Popen[bytes]) -> None:
    leader = tree.identify(halted.pid)
    assert leader
    ending = await end_tree(leader, frozenset({leader}), "no-tag", 0, halted.poll)
    assert ending.rungs == ("terminate",)
    assert ending.survivors == frozenset()
    assert halted.wait(5) == -signal.SIGTERM
