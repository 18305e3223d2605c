"""Looking at a tree: who is halted counts only where it serves."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.support.home import wait_until
from vconsole.supervisor.processes import tree
from vconsole.supervisor.processes.tree import ProcessId
from vconsole.supervisor.servers.observing import TreeObserver


@pytest.fixture
def halted() -> Iterator[ProcessId]:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    child.send_signal(signal.SIGSTOP)
    found = tree.identify(child.pid)
    assert found
    wait_until("halted", lambda: tree.state_letter(found) == "T")
    yield found
    child.kill()
    child.wait()


def test_a_halted_api_server_is_seen(halted: ProcessId) -> None:
    seen = TreeObserver().observe(halted, (halted,), None)
    assert seen.stopped == (f"the API server (pid {halted.pid})",)


def test_a_halted_helper_is_not_taken_for_a_halted_server(halted: ProcessId) -> None:
    leader = ProcessId(1, 0)
    assert TreeObserver().observe(leader, (halted,), None).stopped == ()
