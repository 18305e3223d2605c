"""Starting the supervisor by itself, and the handshake between versions."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from vconsole import paths
from vconsole.errors import ExitCode, VConsoleError
from vconsole.supervisor.autostart import (
    ensure_supervisor,
    is_the_systems,
    running_supervisor,
    sockets,
)
from vconsole.supervisor.client import SupervisorClient, SupervisorUnreachableError
from vconsole.supervisor.processes import tree
from vconsole.supervisor.servers import record

AN_OLDER_ONE = """
import sys
import vconsole
vconsole.__version__ = "0.0.9"
from vconsole.supervisor.__main__ import main
sys.exit(main())
"""


@pytest.fixture(autouse=True)
def _short_socket(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("s")
    monkeypatch.setenv("VCONSOLE_SOCKET", str(folder / "s.sock"))


def end() -> None:
    client = running_supervisor()
    assert client is not None
    client.shut_down()


def test_it_starts_once_and_is_found_again() -> None:
    assert running_supervisor() is None
    first = ensure_supervisor().info()
    assert ensure_supervisor().info().pid == first.pid
    assert first.alive
    end()


def test_an_older_supervisor_gives_way() -> None:
    paths.private_folder(paths.state_dir())
    older = subprocess.Popen([sys.executable, "-c", AN_OLDER_ONE], stderr=subprocess.DEVNULL)
    while running_supervisor() is None:
        assert older.poll() is None
    found = ensure_supervisor().info()
    assert found.pid != older.pid
    assert found.version != "0.0.9"
    assert older.wait(timeout=10) == 0
    end()


def test_one_that_cannot_come_up_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VCONSOLE_SOCKET", str(tmp_path / ("long" * 40)))
    with pytest.raises(VConsoleError, match="longer than 107 bytes") as refused:
        ensure_supervisor()
    assert refused.value.exit_code == ExitCode.USAGE


def test_a_state_folder_of_others_is_refused() -> None:
    paths.private_folder(paths.state_dir()).chmod(0o777)
    with pytest.raises(VConsoleError, match="open to other users"):
        ensure_supervisor()


def test_one_that_is_leaving_is_waited_for() -> None:
    """It answers no more and still holds the lock: a start in that moment tries again."""
    paths.private_folder(paths.state_dir())
    with paths.lock_path().open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        release = threading.Timer(0.8, fcntl.flock, (lock, fcntl.LOCK_UN))
        release.start()
        assert ensure_supervisor().info().alive
        release.join()
    end()


def test_a_named_socket_is_the_only_one_and_ones_own_comes_before_the_machines(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    machines = tmp_path / "machines"
    machines.touch()
    monkeypatch.setattr(paths, "system_socket_path", lambda: machines)
    assert sockets() == (paths.socket_path(),)
    monkeypatch.delenv("VCONSOLE_SOCKET")
    own = paths.state_dir() / "supervisor.sock"
    assert sockets() == (own, machines)
    me = tree.identify(os.getpid())
    assert me
    paths.private_folder(paths.server_dir("main"))
    run = record.Run("main-1", tree.boot_id(), me, datetime.now(UTC))
    record.save(record.ServerRecord("main", run=run))
    assert sockets() == (own,), "a server of one's own lives"


def test_the_supervisor_of_the_machine_is_used_and_never_started() -> None:
    assert not is_the_systems(SupervisorClient(paths.socket_path()))
    assert is_the_systems(SupervisorClient(paths.system_socket_path()))
    with pytest.raises(SupervisorUnreachableError):
        ensure_supervisor(paths.system_socket_path())
