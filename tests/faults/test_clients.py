"""Faults of those who look at a server: many at once, deaf ones, a lost socket, a lost line."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from collections.abc import Iterator

import psutil
import pytest

from tests.faults import facts
from tests.faults.conftest import Row
from tests.faults.scene import LOAD_S, MODEL, Scene
from tests.support.home import wait_until
from tests.support.terminal import Terminal

pytestmark = pytest.mark.engine

WATCHED_S = 10.0
# One sample a second, less what a busy machine may cost.
RHYTHM = 7


def test_twenty_commands_at_once(scene: Scene, row: Row) -> None:
    row.title, row.expected = "20 clients at once", "all are answered"
    with scene.unharmed() as server:
        begun_s = time.monotonic()
        clients = [scene.home.popen("status", "--json") for _ in range(20)]
        pages = [json.loads(client.communicate(timeout=60)[0]) for client in clients]
        seconds = time.monotonic() - begun_s
        assert [client.returncode for client in clients] == [0] * 20
        assert {page["server"]["pid"] for page in pages} == {server["pid"]}
        assert {page["server"]["state"] for page in pages} == {"ready"}
    row.seen = f"20 answers in {seconds:.1f} s"


def test_clients_that_never_read(scene: Scene, row: Row) -> None:
    row.title, row.expected = "clients that never read", "the rhythm holds, memory is bounded"
    with scene.unharmed(), deaf_clients(scene, 5):
        (supervisor,) = facts.supervisors(scene.home)
        before = supervisor.memory_info().rss
        samples = scene.samples_within(WATCHED_S)
        grown_mib = (supervisor.memory_info().rss - before) / 2**20
        assert samples >= RHYTHM
        assert grown_mib < 10
    row.seen = f"{samples} samples in {WATCHED_S:.0f} s, {grown_mib:+.1f} MiB"


def test_the_socket_is_deleted(scene: Scene, row: Row) -> None:
    row.title, row.expected = "socket deleted", "made again by the same supervisor"
    with scene.unharmed():
        (supervisor,) = facts.supervisors(scene.home)
        scene.home.socket.unlink()
        begun_s = time.monotonic()
        # A command meanwhile must neither fail nor bring a second supervisor.
        assert scene.home.run("ask", "Hello", "--max-tokens", "1").code == 0
        row.seen = f"answers after {time.monotonic() - begun_s:.1f} s"
        wait_until(
            "the one that lost the race for the lock has left",
            lambda: facts.supervisors(scene.home) == [supervisor],
        )


def test_two_supervisors(scene: Scene, row: Row) -> None:
    row.title, row.expected = "five more supervisors", "each is refused, exit code 5"
    with scene.unharmed():
        others = [scene.home.popen("supervisor", "run") for _ in range(5)]
        said = [other.communicate(timeout=60)[1] for other in others]
        assert [other.returncode for other in others] == [5] * 5
        assert all("another supervisor runs already" in words for words in said)


@pytest.mark.terminal
@pytest.mark.fault_matrix
def test_the_line_is_lost_under_the_console(scene: Scene, row: Row) -> None:
    row.title, row.expected = "terminal hang-up, console", "the server goes on"
    with scene.unharmed():
        terminal = Terminal(scene.home, 100, 30)
        with contextlib.closing(terminal):
            terminal.wait_for(MODEL)
            console = psutil.Process(terminal.console_pid())
            terminal.hang_up()
            begun_s = time.monotonic()
            psutil.wait_procs([console], timeout=30)
            assert not console.is_running()
            row.seen = f"the console left after {time.monotonic() - begun_s:.1f} s"


@pytest.mark.terminal
@pytest.mark.fault_matrix
def test_the_line_is_lost_under_a_start(scene: Scene, row: Row) -> None:
    row.title, row.expected = "terminal hang-up, start", "the start goes on"
    scene.be_stopped()
    terminal = Terminal(scene.home, 100, 30, *scene.start_command)
    with contextlib.closing(terminal):
        wait_until("a Worker", lambda: facts.part(scene.home, "Worker"), LOAD_S)
        terminal.hang_up()
    row.seen = f"ready after {scene.until('ready', LOAD_S):.1f} s"
    facts.one_whole_tree(scene.home)
    assert facts.answers(scene.url, MODEL)


@contextlib.contextmanager
def deaf_clients(scene: Scene, count: int) -> Iterator[None]:
    """Clients that ask for events and never read one."""
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            client = stack.enter_context(socket.socket(socket.AF_UNIX))
            client.connect(os.fspath(scene.home.socket))
            client.sendall(b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        yield
