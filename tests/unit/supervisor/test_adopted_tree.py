"""An adopted server lives in its user's shell: what else runs there is none of ours."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.support.home import wait_until
from vconsole.host import procfs
from vconsole.supervisor.processes import process, tree
from vconsole.supervisor.processes.tree import ProcessId

# A server whose engine ignores SIGTERM, and outlives it.
SERVER = """
import os, signal, sys, time
if os.fork() == 0:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print(os.getpid(), flush=True)
    time.sleep(60)
time.sleep(60)
"""
SHELL = """
sleep 61 & echo $!
"$0" -c "$1" & echo $!
sleep 61 & echo $!
wait
"""
BECOMES_THE_SERVER = """
sleep 61 & echo $!
echo $$
exec "$0" -c "$1"
"""


class Session:
    """A session as a login shell has it: two jobs of the user's around a server."""

    def __init__(self, script: str, lines: int) -> None:
        self.shell = subprocess.Popen(
            ["bash", "-c", script, sys.executable, SERVER],
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self.shell.stdout is not None
        self.pids = [int(self.shell.stdout.readline()) for _ in range(lines)]

    def close(self) -> None:
        os.killpg(self.shell.pid, signal.SIGKILL)
        self.shell.communicate()


@pytest.fixture
def session(request: pytest.FixtureRequest) -> Iterator[Session]:
    made = Session(*request.param)
    yield made
    made.close()


def identified(pid: int) -> ProcessId:
    found = tree.identify(pid)
    assert found is not None
    return found


def split(session: Session) -> tuple[ProcessId, frozenset[ProcessId]]:
    """The server, and the user's other processes in its session; the order of lines varies."""
    by_command = {pid: procfs.argv(pid) for pid in session.pids}
    sleeps = {pid for pid, argv in by_command.items() if argv[0] == "sleep"}
    servers = [pid for pid in session.pids if pid not in sleeps]
    parents = {pid: int((procfs.stat_fields(pid) or [])[1]) for pid in servers}
    leader = next(pid for pid in servers if parents[pid] not in servers)
    return identified(leader), frozenset(map(identified, sleeps))


@pytest.mark.parametrize(
    "session", [(SHELL, 4), (BECOMES_THE_SERVER, 3)], indirect=True, ids=["child", "exec"]
)
async def test_the_siblings_of_an_adopted_server_survive_its_end(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "AFTER_DRAIN_S", 0.2)
    monkeypatch.setattr(process, "AFTER_TERM_S", 0.2)
    leader, siblings = split(session)
    known = tree.descendants(frozenset({leader}))
    assert len(known) == 2
    assert not known & siblings
    ending = await process.end_tree(leader, known, "no-tag", 0.1, lambda: None, foreign=True)
    assert ending.rungs == ("drain", "terminate", "kill")
    assert not ending.survivors
    assert not tree.living(known)
    assert tree.living(siblings) == siblings


@pytest.mark.parametrize("session", [(SHELL, 4)], indirect=True)
async def test_an_engine_that_was_recorded_is_ended_after_its_api_server(session: Session) -> None:
    leader, siblings = split(session)
    known = tree.descendants(frozenset({leader}))
    tree.send(leader, signal.SIGKILL)
    wait_until("it is gone", lambda: not tree.is_alive(leader), 5)
    assert process.members(leader, known, foreign=True) == known - {leader}
    for orphan in known - {leader}:
        tree.send(orphan, signal.SIGKILL)
    ending = await process.end_tree(leader, known, "no-tag", 0.1, lambda: None, foreign=True)
    assert not ending.survivors
    assert tree.living(siblings) == siblings
