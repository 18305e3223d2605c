"""Races for a port: with a stranger who was quicker, and with a second user of vconsole."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import facts
from tests.faults.conftest import Row
from tests.faults.scene import LOAD_S, MODEL, STOP_BOUND_S, Scene
from tests.support.home import Home, wait_until

pytestmark = [pytest.mark.engine, pytest.mark.fault_matrix]


def test_a_stranger_takes_the_port_after_a_stop(scene: Scene, row: Row) -> None:
    row.title, row.expected = "port stolen after a stop", "refused, nothing loaded"
    scene.be_ready()
    scene.be_stopped()
    with stranger(scene.port):
        ran = scene.home.run(*scene.start_command)
        assert (ran.code, ran.data["error"]["kind"]) == (5, "port_in_use")
        assert facts.engine_processes(scene.home) == []
        assert scene.server()["state"] == "stopped"
    row.seen = "exit code 5"


def test_a_stranger_takes_the_port_after_a_crash(scene: Scene, row: Row) -> None:
    row.title, row.expected = "port stolen after a crash", "failed with the reason, no retry"
    scene.be_ready()
    api_server = facts.part(scene.home, "API server")
    assert api_server
    api_server.kill()
    wait_until("the port is free", lambda: not facts.listens(scene.port))
    with stranger(scene.port):
        row.seen = f"failed after {scene.until('failed', STOP_BOUND_S):.1f} s"
        failure = scene.server()["last_failure"]
        assert failure["cause"] == "port_in_use"
        assert str(scene.port) in failure["message"]
        assert facts.engine_processes(scene.home) == []
    scene.be_ready()


def test_a_second_home_wants_the_port_while_the_first_loads(
    scene: Scene, row: Row, tmp_path: Path, engine_python: str
) -> None:
    row.title, row.expected = "second home, same port", "refused, the first goes on"
    scene.be_stopped()
    with contextlib.closing(Home(tmp_path, engine_python)) as second:
        assert scene.home.run(*scene.start_command, "--no-wait").code == 0
        ran = second.run(*scene.start_command)
        assert (ran.code, ran.data["error"]["kind"]) == (5, "port_in_use")
        assert facts.engine_processes(second) == []
        row.seen = f"exit code 5; the first ready after {scene.until('ready', LOAD_S):.1f} s"
    facts.one_whole_tree(scene.home)
    assert facts.answers(scene.url, MODEL)


def test_the_supervisor_is_killed_within_a_restart(scene: Scene, row: Row) -> None:
    row.title, row.expected = "supervisor KILL within a restart", "the restart is finished"
    scene.be_ready()
    before = scene.server()["pid"]
    assert scene.home.run("restart", "--no-wait").code == 0
    wait_until("stopping", lambda: scene.is_in("stopping"), 10)
    scene.kill_the_supervisor()
    scene.home.run("restart", "--no-wait")
    row.seen = f"ready after {scene.until('ready', LOAD_S):.1f} s"
    assert facts.one_whole_tree(scene.home) != before
    assert facts.answers(scene.url, MODEL)


@contextlib.contextmanager
def stranger(port: int) -> Iterator[None]:
    """Somebody else who listens on the port."""
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        yield
