"""Process identity: a recycled pid, a zombie and a stranger are never taken for ours."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.home import wait_until
from vconsole.supervisor.processes import tree

TAG = f"test-{uuid.uuid4().hex}"
SLEEPER = """
import subprocess
child = subprocess.Popen(["sleep", "60"])
print(child.pid, flush=True)
child.wait()
"""


@pytest.fixture
def session() -> Iterator[subprocess.Popen[str]]:
    """A session of two processes, tagged."""
    child = subprocess.Popen(
        [sys.executable, "-c", SLEEPER],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, tree.TAG_VARIABLE: TAG},
    )
    assert child.stdout is not None
    child.stdout.readline()
    yield child
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()


def test_members_and_tag_find_the_whole_session(session: subprocess.Popen[str]) -> None:
    leader = tree.identify(session.pid)
    assert leader is not None
    members = tree.session_members(leader)
    assert len(members) == 2
    # The kernel shows a process's environment a moment after it has begun its program.
    wait_until("the tag is seen", lambda: tree.tagged(TAG) == members)
    assert tree.tagged(TAG[:-1]) == frozenset()


def test_a_recycled_pid_is_another_process(session: subprocess.Popen[str]) -> None:
    known = tree.identify(session.pid)
    assert known is not None
    recycled = replace(known, start_ticks=known.start_ticks - 1)
    assert tree.is_alive(known)
    assert not tree.is_alive(recycled)
    assert tree.send(recycled, signal.SIGKILL) is False
    assert tree.is_alive(known)


def test_an_orphan_is_known_by_record_and_tag_but_no_more_by_the_session(
    session: subprocess.Popen[str],
) -> None:
    leader = tree.identify(session.pid)
    assert leader is not None
    recorded = tree.session_members(leader)
    assert tree.send(leader, signal.SIGKILL)
    wait_until("the leader is a zombie", lambda: not tree.is_alive(leader), 5)
    assert tree.session_members(leader) == frozenset()
    assert tree.living(recorded) == tree.tagged(TAG) == recorded - {leader}


def test_a_stopped_process_is_alive_and_says_so(session: subprocess.Popen[str]) -> None:
    known = tree.identify(session.pid)
    assert known is not None
    tree.send(known, signal.SIGSTOP)
    wait_until("stopped", lambda: tree.state_letter(known) == "T", 5)
    assert tree.is_alive(known)


def test_a_pid_that_is_nobodys_is_gone() -> None:
    assert tree.identify(2**22 + 1) is None
    assert not tree.is_alive(tree.ProcessId(2**22 + 1, 1))


def test_strays_are_those_of_this_state_folder_that_no_record_knows(tmp_path: Path) -> None:
    def spawn(home: Path, tag: str) -> subprocess.Popen[bytes]:
        environment = {**os.environ, tree.HOME_VARIABLE: str(home), tree.TAG_VARIABLE: tag}
        return subprocess.Popen(["sleep", "60"], env=environment)

    known, stray = spawn(tmp_path, "main-1"), spawn(tmp_path, "main-2")
    elsewhere = spawn(tmp_path / "other", "main-3")
    try:
        found = tree.strays(tmp_path, frozenset({"main-1"}))
        assert {tag: [p.pid for p in ids] for tag, ids in found.items()} == {"main-2": [stray.pid]}
    finally:
        for child in (known, stray, elsewhere):
            child.kill()
            child.wait()
