"""Rotation under a writer that never stops: every line once, whatever dies or is full meanwhile.

The writers are processes with an O_APPEND descriptor, as vLLM's is; lines carry numbers.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.home import wait_until
from vconsole.engine.log.redact import Redactor
from vconsole.supervisor.logs.log_parts import archives, live_begin, live_chunks, read_live
from vconsole.supervisor.logs.log_reading import LogFollower, last_lines
from vconsole.supervisor.logs.rotation import Limits, Rotation, put_away
from vconsole.tui.logs.logfile import LogFile
from vconsole.tui.logs.tail import read_tail

# A machine may be many times slower than the one that this was written on.
PATIENCE_S = 180.0
LIMIT_BYTES = 256 << 10
LIMITS = Limits(LIMIT_BYTES, 10_000)
WRITER = """
import os, sys, time
path, pace_s = sys.argv[1], float(sys.argv[2])
file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
number = 0
while True:
    lines = "".join(f"line {n} {'x' * (n % 80)}\\n" for n in range(number, number + 100))
    os.write(file, lines.encode())
    number += 100
    time.sleep(pace_s)
"""
ROTATOR = """
import sys, threading
from pathlib import Path
from vconsole.engine.log.redact import Redactor
from vconsole.supervisor.logs.rotation import Limits, Rotation
rotation = Rotation(Path(sys.argv[1]), Redactor, threading.Event())
while True:
    rotation.look(Limits(int(sys.argv[2]), 10_000), True)
"""
# A file system of its own (tmpfs: full at once; ramfs: no holes), then the named command in it.
MOUNTED = 'mount -t $0 -o size=$1 none $2 && shift 2 && exec "$@"'


@contextmanager
def running(script: str, *arguments: str) -> Iterator[None]:
    """Python at work in a process of its own, killed at the end."""
    with subprocess.Popen([sys.executable, "-c", script, *arguments]) as process:
        try:
            yield
        finally:
            process.kill()


@contextmanager
def writing(log_file: Path, pace_s: float = 0.002) -> Iterator[None]:
    with running(WRITER, str(log_file), str(pace_s)):
        wait_until("the first line", log_file.exists)
        yield


def rotation_of(log_file: Path) -> Rotation:
    return Rotation(log_file, Redactor, threading.Event())


def whole_text(log_file: Path) -> bytes:
    """Archives and live part one after the other, read without the readers under test."""
    packed = b"".join(b"".join(archive.chunks()) for archive in archives(log_file))
    with log_file.open("rb") as file:
        file.seek(live_begin(log_file))
        return packed + file.read()


def numbers_of(text: bytes) -> list[int]:
    return [int(line.split()[1]) for line in text.split(b"\n")[:-1]]


def assert_each_once(log_file: Path) -> int:
    numbers = numbers_of(whole_text(log_file))
    assert numbers == list(range(len(numbers)))
    return len(numbers)


def write_lines(log_file: Path, first: int, end: int) -> None:
    with log_file.open("ab") as file:
        file.writelines(b"line %d %s\n" % (n, b"x" * 40) for n in range(first, end))


def test_each_line_is_there_once_and_the_disk_holds_no_more_than_the_limit(tmp_path: Path) -> None:
    log_file = tmp_path / "server.log"
    rotation = rotation_of(log_file)
    with writing(log_file):
        begun_s, size = time.monotonic(), 0
        while time.monotonic() - begun_s < 4 or size <= 5 * LIMIT_BYTES:
            assert time.monotonic() - begun_s < PATIENCE_S, size
            rotation.look(LIMITS, True)
            size = os.stat(log_file).st_size
            assert os.stat(log_file).st_blocks * 512 < LIMIT_BYTES + (512 << 10), size
    rotation.look(LIMITS, True)
    assert assert_each_once(log_file) > 0
    assert len(archives(log_file)) > 3
    assert log_file.stat().st_size > 4 * LIMIT_BYTES
    assert log_file.stat().st_size - live_begin(log_file) <= LIMIT_BYTES
    assert all(oct(a.path.stat().st_mode & 0o777) == "0o600" for a in archives(log_file))


def test_a_rotator_killed_at_any_moment_loses_and_doubles_nothing(tmp_path: Path) -> None:
    log_file = tmp_path / "server.log"
    moments = random.Random(7)
    with writing(log_file):
        begun_s, killed = time.monotonic(), 0
        while killed < 25 or len(archives(log_file)) <= 25:
            assert time.monotonic() - begun_s < PATIENCE_S, killed
            killed += 1
            with running(ROTATOR, str(log_file), str(LIMIT_BYTES // 4)):
                time.sleep(0.15 + moments.random() * 0.15)
    assert_each_once(log_file)
    assert len(archives(log_file)) > 25
    rotation_of(log_file).look(LIMITS, True)
    assert_each_once(log_file)
    assert log_file.stat().st_blocks * 512 < LIMIT_BYTES + (512 << 10)


def test_a_death_between_archive_and_hole_is_mended_at_the_next_look(tmp_path: Path) -> None:
    log_file = tmp_path / "server.log"
    write_lines(log_file, 0, 20_000)
    before = log_file.read_bytes()
    rotation_of(log_file).look(LIMITS, True)
    begin = live_begin(log_file)
    with log_file.open("r+b") as file:
        file.write(before[:begin])
    assert log_file.stat().st_blocks * 512 > begin
    assert assert_each_once(log_file) == 20_000
    rotation_of(log_file).look(LIMITS, True)
    assert log_file.stat().st_blocks * 512 < LIMIT_BYTES
    assert assert_each_once(log_file) == 20_000


def test_only_so_many_archives_are_kept_and_their_secrets_are_gone(tmp_path: Path) -> None:
    log_file = tmp_path / "server.log"
    rotation = Rotation(log_file, lambda: Redactor(["line 77"]), threading.Event())
    for first in range(0, 40_000, 10_000):
        write_lines(log_file, first, first + 10_000)
        rotation.look(Limits(LIMIT_BYTES, 100 if first == 0 else 2), True)
        if first == 0:
            lines = whole_text(log_file).split(b"\n")
            assert lines[76].startswith(b"line 76 ")
            assert lines[77].startswith(b"[redacted] xx")
            assert lines[78].startswith(b"line 78 ")
    assert len(archives(log_file)) == 2
    numbers = numbers_of(whole_text(log_file))
    assert numbers == list(range(numbers[0], 40_000))


def test_a_start_is_not_rotated_and_puts_a_large_log_away(tmp_path: Path) -> None:
    log_file = tmp_path / "server.log"
    rotation = rotation_of(log_file)
    write_lines(log_file, 0, 20_000)
    rotation.look(LIMITS, False)
    assert archives(log_file) == ()
    rotation.look(LIMITS, True)
    assert live_begin(log_file) > 0
    put_away(log_file, LIMITS)
    assert not log_file.exists()
    write_lines(log_file, 20_000, 30_000)
    assert live_begin(log_file) == 0
    assert assert_each_once(log_file) == 30_000
    rotation.look(LIMITS, True)
    assert all(archive.packed for archive in archives(log_file))
    assert not list(tmp_path.glob("*-end"))
    assert live_begin(log_file) > 0
    assert assert_each_once(log_file) == 30_000


def test_a_file_that_somebody_emptied_begins_again(tmp_path: Path) -> None:
    log_file = tmp_path / "server.log"
    rotation = rotation_of(log_file)
    write_lines(log_file, 0, 20_000)
    rotation.look(LIMITS, True)
    os.truncate(log_file, 0)
    write_lines(log_file, 0, 10)
    assert numbers_of(b"".join(live_chunks(log_file))) == list(range(10))
    rotation.look(LIMITS, True)
    write_lines(log_file, 10, 20_000)
    assert numbers_of(b"".join(live_chunks(log_file))) == list(range(20_000))
    rotation_of(log_file).look(LIMITS, True)
    assert numbers_of(whole_text(log_file))[-20_000:] == list(range(20_000))


@pytest.mark.parametrize("ending", [b"", b"\r"])
def test_text_without_a_newline_is_bounded_and_kept(tmp_path: Path, ending: bytes) -> None:
    log_file = tmp_path / "server.log"
    text = b"".join(b"progress %d%s" % (n, ending) for n in range(200_000))
    log_file.write_bytes(text)
    rotation_of(log_file).look(LIMITS, True)
    assert log_file.stat().st_blocks * 512 <= LIMIT_BYTES
    assert whole_text(log_file) == text
    if ending:
        assert b"".join(live_chunks(log_file)).startswith(b"progress")


def run_in(kind: str, size: str, folder: Path, script: str) -> str:
    """Run Python on a fresh file system of that kind, in a mount namespace of its own."""
    command = ["unshare", "-rm", "sh", "-c", MOUNTED, kind, size, str(folder)]
    done = subprocess.run(
        [*command, sys.executable, "-c", script, str(folder / "server.log")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


FULL = """
import logging, os, sys
from pathlib import Path
from tests.unit.supervisor.test_rotation import LIMITS, archives, assert_each_once
from tests.unit.supervisor.test_rotation import rotation_of, write_lines
logging.basicConfig()
log_file = Path(sys.argv[1])
write_lines(log_file, 0, 20_000)
filler = log_file.with_name("filler")
try:
    with filler.open("wb", buffering=0) as file:
        while file.write(os.urandom(4096)):
            pass
except OSError:
    pass
rotation_of(log_file).look(LIMITS, True)
assert archives(log_file) == (), archives(log_file)
assert sorted(p.name for p in log_file.parent.iterdir()) == ["filler", "server.log"]
assert assert_each_once(log_file) == 20_000
filler.unlink()
rotation_of(log_file).look(LIMITS, True)
assert len(archives(log_file)) > 1
assert assert_each_once(log_file) == 20_000
"""
NO_HOLES = """
import logging, os, sys
from pathlib import Path
from tests.unit.supervisor.test_rotation import LIMITS, archives, assert_each_once
from tests.unit.supervisor.test_rotation import rotation_of, write_lines
from vconsole.supervisor.logs.rotation import put_away
logging.basicConfig()
log_file = Path(sys.argv[1])
write_lines(log_file, 0, 20_000)
rotation = rotation_of(log_file)
for _ in range(5):
    rotation.look(LIMITS, True)
assert [p.name for p in log_file.parent.iterdir()] == ["server.log"]
assert assert_each_once(log_file) == 20_000
put_away(log_file, LIMITS)
write_lines(log_file, 20_000, 20_100)
rotation.look(LIMITS, True)
assert [a.packed for a in archives(log_file)] == [True]
assert assert_each_once(log_file) == 20_100
"""


def test_a_full_disk_loses_nothing_and_is_said(tmp_path: Path) -> None:
    said = run_in("tmpfs", "2m", tmp_path, FULL)
    assert said.count("No space left on device; nothing of it is lost") == 1


def test_without_holes_it_is_said_once_and_the_next_start_begins_a_file(tmp_path: Path) -> None:
    said = run_in("ramfs", "4m", tmp_path, NO_HOLES)
    assert said.count("cannot punch holes") == 1


def test_readers_never_see_the_hole(tmp_path: Path) -> None:
    log_file = tmp_path / "server.log"
    shown = LogFile(log_file)
    rotation = rotation_of(log_file)
    with writing(log_file):
        until_s = time.monotonic() + 3
        while time.monotonic() < until_s:
            shown.poll()
            rotation.look(LIMITS, True)
            assert all(line.message.startswith("line ") for line in read_tail(log_file, 50)[:-1])
    while shown.poll() or shown.behind:
        pass
    live = b"".join(live_chunks(log_file))
    assert live_begin(log_file) > 0
    assert shown.texts(0, len(shown)) == live.decode().split("\n")[:-1]
    assert shown.generation > 1


def test_a_read_that_meets_a_rotation_gets_no_part_of_the_hole(tmp_path: Path) -> None:
    log_file = tmp_path / "server.log"
    with writing(log_file, pace_s=0.001), running(ROTATOR, str(log_file), str(16 << 10)):
        wait_until("an archive", lambda: archives(log_file))
        until_s = time.monotonic() + 3
        while time.monotonic() < until_s:
            begin, chunk = read_live(log_file, 0, 4096)
            assert begin > 0
            assert b"\0" not in chunk


def test_the_last_lines_come_from_archives_where_the_file_has_too_few(tmp_path: Path) -> None:
    log_file = tmp_path / "server.log"
    write_lines(log_file, 0, 60_000)
    rotation_of(log_file).look(LIMITS, True)
    end = log_file.stat().st_size
    for count in (0, 1, 10, 3000, 9_000, 40_000, 60_000, 70_000):
        found = last_lines(log_file, count, end, list)
        numbers = [int(line.split()[1]) for line in found]
        assert len(found) >= min(count, 60_000)
        assert numbers == list(range(60_000 - len(numbers), 60_000))


def test_a_follower_gets_each_line_once_however_slow_it_is(tmp_path: Path) -> None:
    log_file = tmp_path / "server.log"
    write_lines(log_file, 0, 10)
    rotation = rotation_of(log_file)
    follower = LogFollower(log_file, 0)
    moments = random.Random(3)
    seen: list[str] = []
    written = 10
    for _ in range(60):
        more = moments.choice([0, 1, 50, 2000, 9000])
        write_lines(log_file, written, written + more)
        written += more
        if moments.random() < 0.5:
            rotation.look(LIMITS, True)
        if moments.random() < 0.1:
            put_away(log_file, LIMITS)
        if moments.random() < 0.4:
            seen += follower.new_lines()
    write_lines(log_file, written, written + 1)
    while more_lines := list(follower.new_lines()):
        seen += more_lines
    assert [int(line.split()[1]) for line in seen] == list(range(written + 1))
    assert len(archives(log_file)) > 10


def test_a_problem_stands_until_it_is_solved(tmp_path: Path) -> None:
    log_file = tmp_path / "server.log"
    write_lines(log_file, 0, 10 * LIMIT_BYTES // 50)
    rotation, in_the_way = rotation_of(log_file), tmp_path / ".server.log.archive.new"
    in_the_way.mkdir()
    rotation.look(LIMITS, True)
    assert "cannot archive the log: Is a directory; nothing" in str(rotation.problem)
    in_the_way.rmdir()
    rotation._not_before_s = 0.0
    rotation.look(LIMITS, True)
    assert rotation.problem is None
    assert_each_once(log_file)
