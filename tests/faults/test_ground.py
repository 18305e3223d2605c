"""Bad ground under a serving server: full, read-only and ruined files, and a flood of lines."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from tests.faults import facts
from tests.faults.conftest import Row
from tests.faults.scene import MODEL, STALL_BOUND_S, Scene
from tests.faults.small_disk import read_only

pytestmark = pytest.mark.engine

WATCHED_S = 10.0
RHYTHM = 7
FLOOD_LINES_PER_S = 10_000
GARBAGE = b"\x00\xff{ this was a file once"


@pytest.mark.fault_matrix
def test_the_disk_is_full(scene: Scene, row: Row) -> None:
    row.title, row.expected = "disk full", "it serves on, and says so"
    with scene.unharmed() as server, full_disk(scene):
        samples = scene.samples_within(WATCHED_S)
        assert samples >= RHYTHM
        with halted_worker(scene):
            scene.until("stalled", STALL_BOUND_S)
        scene.until("ready", STALL_BOUND_S)
        page = scene.server()
        assert any("No space left" in warning for warning in page["warnings"])
        assert facts.answers(scene.url, MODEL)
        scene.kill_the_supervisor()
        assert scene.home.run("ask", "Hello", "--max-tokens", "1").code == 0
        assert scene.server()["pid"] == server["pid"]
    row.seen = f"{samples} samples in {WATCHED_S:.0f} s; a new supervisor adopts"


@pytest.mark.fault_matrix
def test_the_state_folder_is_read_only(scene: Scene, row: Row) -> None:
    row.title, row.expected = "state folder read-only", "it serves on, and says so"
    with scene.unharmed() as server:
        with read_only(scene.home.state):
            samples = scene.samples_within(WATCHED_S)
            assert samples >= RHYTHM
            assert facts.answers(scene.url, MODEL)
            scene.kill_the_supervisor()
            ran = scene.home.run("ask", "Hello")
            assert ran.code != 0
            assert "ead-only" in ran.err
            assert "Traceback" not in ran.err
            assert scene.server()["state"] == "ready"
        assert scene.home.run("ask", "Hello", "--max-tokens", "1").code == 0
        assert scene.server()["pid"] == server["pid"]
    row.seen = f"{samples} samples in {WATCHED_S:.0f} s; status from the records"


@pytest.mark.fault_matrix
def test_the_log_is_flooded(scene: Scene, row: Row) -> None:
    row.title, row.expected = "10,000 lines/s in the log", "all answer, no line is lost"
    with scene.unharmed():
        with flood(scene) as written:
            samples = scene.samples_within(WATCHED_S)
            tail_s = timed(lambda: scene.home.run("logs", "-n", "50").out)
            status_s = timed(scene.server)
            assert facts.answers(scene.url, MODEL)
        assert samples >= RHYTHM
        assert max(tail_s, status_s) < 5
        shown = scene.home.run("logs", "-n", "10000000", "--grep", "^flood-").out
        numbers = [int(line.rpartition("flood-")[2]) for line in shown.splitlines()]
        assert numbers == list(range(len(written)))
    row.seen = f"{len(numbers)} lines; logs in {tail_s:.1f} s, status in {status_s:.1f} s"


@pytest.mark.parametrize("name", ["servers/main/record.json", "history.sqlite"])
def test_a_ruined_file_is_set_aside(scene: Scene, row: Row, name: str) -> None:
    row.title, row.expected = f"{name} ruined", "set aside, the server is adopted"
    path = scene.home.state / name
    with scene.unharmed():
        scene.kill_the_supervisor()
        for beside in path.parent.glob(f"{path.name}-*"):
            beside.unlink()
        path.write_bytes(GARBAGE)
        scene.have_a_supervisor()
        kept = sorted(path.parent.glob(f"{path.name}.corrupt-*"))
        assert kept[-1].read_bytes() == GARBAGE


def test_ruined_settings_harm_no_server_that_runs(scene: Scene, row: Row) -> None:
    row.title, row.expected = "settings ruined", "it serves on, commands say what to mend"
    path = scene.home.root / "config" / "vconsole" / "config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    with scene.unharmed():
        path.write_bytes(GARBAGE)
        try:
            samples = scene.samples_within(5)
            assert samples >= 3
            assert scene.is_in("ready")
            scene.kill_the_supervisor()
            ran = scene.home.run("ask", "Hello")
            assert ran.code != 0
            assert str(path) in ran.err
            assert "Traceback" not in ran.err
        finally:
            path.unlink()
    row.seen = f"{samples} samples in 5 s"


def test_a_ruined_environment_is_not_left_out(scene: Scene, row: Row) -> None:
    row.title, row.expected = "environment ruined", "it serves on; a restart is refused"
    path = scene.home.state / "servers" / "main" / "environment.json"
    with scene.unharmed():
        content = path.read_bytes()
        path.write_bytes(GARBAGE)
        try:
            ran = scene.home.run("restart", "--json")
            assert ran.code != 0
            assert ran.data["error"]["kind"] == "unreadable_environment"
            scene.kill_the_supervisor()
            scene.have_a_supervisor()
        finally:
            path.write_bytes(content)


@contextmanager
def full_disk(scene: Scene) -> Iterator[None]:
    """Not a byte is left where the state is."""
    filler = scene.home.root / "state" / "filler"
    previous = scene.log.parent / "record.json.previous"
    # Its place would be room for the next record.
    kept = previous.read_bytes()
    previous.unlink()
    try:
        with filler.open("wb", buffering=0) as file, suppress(OSError):
            for piece in (1 << 20, 4096, 1):
                with suppress(OSError):
                    while file.write(bytes(piece)):
                        pass
        yield
    finally:
        filler.unlink()
        if not previous.exists():
            previous.write_bytes(kept)


@contextmanager
def halted_worker(scene: Scene) -> Iterator[None]:
    worker = facts.part(scene.home, "Worker")
    assert worker
    worker.suspend()
    try:
        yield
    finally:
        worker.resume()


@contextmanager
def flood(scene: Scene) -> Iterator[list[int]]:
    """A writer beside the server; what it yields holds a number for each line written."""
    written: list[int] = []
    over = threading.Event()

    def write() -> None:
        descriptor = os.open(scene.log, os.O_WRONLY | os.O_APPEND)
        begun_s = time.monotonic()
        while not over.is_set():
            due = int((time.monotonic() - begun_s) * FLOOD_LINES_PER_S)
            lines = range(len(written), due)
            os.write(descriptor, "".join(f"flood-{number:08d}\n" for number in lines).encode())
            written.extend(lines)
            over.wait(0.02)
        os.close(descriptor)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield written
    finally:
        over.set()
        writer.join()


def timed(work: Callable[[], object]) -> float:
    begun_s = time.monotonic()
    assert work()
    return time.monotonic() - begun_s
