"""What the record says against what is: recycled pids, other boots, stepped clocks, state D."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.home import wait_until
from vconsole import paths
from vconsole.host import procfs
from vconsole.supervisor.memory.history import History
from vconsole.supervisor.model import Desired, ServerState
from vconsole.supervisor.processes import process, tree
from vconsole.supervisor.processes.tree import ProcessId
from vconsole.supervisor.servers import record
from vconsole.supervisor.servers.keeper import Keeper
from vconsole.supervisor.servers.record import Launch, Run, ServerRecord
from vconsole.supervisor.servers.recorded import recorded_status
from vconsole.supervisor.servers.restarts import RestartPolicy
from vconsole.supervisor.servers.server import Server
from vconsole.supervisor.telling.event_log import EventLog

NO_SUCH_MODEL = Launch("/no/such/model", "m", "127.0.0.1", 1)


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """Somebody else's process, which leads a session as a server of ours does."""
    child = subprocess.Popen(["sleep", "60"], start_new_session=True)
    yield child
    child.kill()
    child.wait()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    paths.private_folder(paths.server_dir("main"))
    history = History(tmp_path / "history.sqlite")
    events = EventLog(history, lambda: None)
    yield Server("main", history, events, lambda: None)
    await events.close()
    history.close()


def forge(server: Server, leader: ProcessId, **fields: object) -> None:
    """A record of a server that serves with this leader."""
    boot = str(fields.pop("boot_id", tree.boot_id()))
    run = Run("main-forged", boot, leader, datetime.now(UTC), tree=(leader,))
    forged = ServerRecord("main", state=ServerState.READY, launch=NO_SUCH_MODEL, run=run)
    record.save(replace(forged, **fields))  # type: ignore[arg-type]
    server.book.record = record.load("main")


async def test_a_recycled_pid_is_neither_adopted_nor_signalled(
    server: Server, stranger: subprocess.Popen[bytes]
) -> None:
    now = tree.identify(stranger.pid)
    assert now
    forge(server, replace(now, start_ticks=now.start_ticks - 1))
    await server.keeper.adopt_recorded()
    assert server.life is None
    assert server.book.state is ServerState.FAILED
    assert stranger.poll() is None


@pytest.mark.parametrize("desired", list(Desired))
async def test_after_another_boot_the_same_pid_is_a_stranger(
    server: Server, stranger: subprocess.Popen[bytes], desired: Desired
) -> None:
    now = tree.identify(stranger.pid)
    assert now
    forge(server, now, boot_id="another", desired=desired)
    await server.keeper.adopt_recorded()
    assert server.life is None
    comes_back = desired is Desired.RUNNING
    assert server.book.state is (ServerState.BACKOFF if comes_back else ServerState.STOPPED)
    await server.close()
    assert stranger.poll() is None


@pytest.mark.parametrize("step", [timedelta(days=3650), timedelta(days=-3650)])
async def test_a_stepped_clock_neither_delays_nor_loses_a_restart(
    server: Server, step: timedelta
) -> None:
    at = datetime.now(UTC) + step
    forge(server, ProcessId(1, 0), state=ServerState.BACKOFF, run=None, next_start_at=at)
    server.keeper = Keeper(server, RestartPolicy(longest_s=0.05))
    await server.keeper.adopt_recorded()
    await asyncio.to_thread(
        wait_until, "a try", lambda: server.book.state is not ServerState.BACKOFF, 10
    )
    # It was tried, and there is no such model.
    assert server.book.state is ServerState.FAILED
    assert server.book.record.last_failure
    await server.close()


def test_a_clock_set_back_gives_no_negative_uptime() -> None:
    run = Run("main-1", tree.boot_id(), ProcessId(1, 0), datetime(2100, 1, 1, tzinfo=UTC))
    known = ServerRecord("main", state=ServerState.READY, run=run)
    assert recorded_status(known).uptime_s == 0


def test_what_is_stuck_in_the_kernel_is_said_in_those_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "77").mkdir()
    stuck = ["D", *["0"] * 18, "4242", *["0"] * 30]
    (tmp_path / "77" / "stat").write_text(f"77 (VLLM::Worker) {' '.join(stuck)}\n")
    monkeypatch.setattr(procfs, "PROC", tmp_path)
    assert "state D" in process.describe(frozenset({ProcessId(77, 4242)}))
    assert "reboot" in process.describe(frozenset({ProcessId(77, 4242)}))
