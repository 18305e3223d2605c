"""A flood of lines, and lines without end: they are followed, in bounded memory, off the loop."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.supervisor.test_rotation import writing
from vconsole.engine.log.line_splitter import LONGEST_LINE_BYTES, LineSplitter, split_lines
from vconsole.supervisor.logs.log_reading import LogFollower, last_lines
from vconsole.supervisor.logs.logtail import LogTail
from vconsole.supervisor.servers.starts.aftermath import explain_exit
from vconsole.tui.logs.logfile import LogFile
from vconsole.tui.logs.tail import read_tail

LONG = 100 << 20


@given(st.lists(st.binary(max_size=20), max_size=20))
def test_chunks_do_not_matter(chunks: list[bytes]) -> None:
    text = b"".join(chunks)
    lines = [line.decode(errors="replace") for line in text.split(b"\n")]
    assert list(split_lines(chunks)) == (lines if lines[-1] else lines[:-1])


def test_a_line_without_end_is_cut_and_says_so() -> None:
    splitter = LineSplitter()
    tracemalloc.start()
    for _ in range(LONG >> 20):
        assert splitter.feed(b"x" * (1 << 20)) == []
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 4 << 20
    (line, after) = splitter.feed(b"\nnext\n")
    assert line.startswith("x" * LONGEST_LINE_BYTES)
    assert line.endswith(f"… ({LONG - LONGEST_LINE_BYTES} more bytes)")
    assert after == "next"


async def test_a_start_is_followed_through_a_flood_and_the_loop_keeps_its_rhythm(
    tmp_path: Path,
) -> None:
    log_file = tmp_path / "server.log"
    with writing(log_file, pace_s=0.008):
        tail, seen, longest_s = LogTail(log_file, 0), 0, 0.0
        begun_s = time.monotonic()
        while time.monotonic() - begun_s < 2:
            at_s = time.monotonic()
            seen += len(await tail.new_lines())
            longest_s = max(longest_s, time.monotonic() - at_s)
            await asyncio.sleep(0 if tail.behind else 0.2)
        with log_file.open("ab") as file:
            file.write(b"the last word\n")
        while "the last word" not in (lines := await tail.new_lines()):
            seen += len(lines)
            assert time.monotonic() - begun_s < 10
    assert seen > 10_000
    assert longest_s < 0.5


async def test_no_reader_chokes_on_a_line_of_100_mb(tmp_path: Path) -> None:
    log_file = tmp_path / "server.log"
    with log_file.open("wb") as file:
        file.write(b"before\n")
        file.writelines(b"y" * (1 << 20) for _ in range(LONG >> 20))
        file.write(b"\nValueError: after\n")
    begun_s = time.monotonic()
    tail, lines = LogTail(log_file, 0), list[str]()
    while len(lines) < 3:
        lines += await tail.new_lines()
    follower, followed = LogFollower(log_file, 0), list[str]()
    while len(followed) < 3:
        followed += follower.new_lines()
    end = log_file.stat().st_size
    last = last_lines(log_file, 3, end, list)
    shown = LogFile(log_file)
    while shown.poll() and shown.behind:
        pass
    assert lines == followed == last
    assert (lines[0], lines[2]) == ("before", "ValueError: after")
    assert [text[:6] for text in shown.texts(0, 3)] == ["before", "yyyyyy", "ValueE"]
    assert read_tail(log_file, 5)[-1].message == "ValueError: after"
    assert explain_exit(log_file, 0, 1, False).evidence_line == 3
    assert time.monotonic() - begun_s < 20


def test_evidence_is_numbered_in_the_live_part_and_shows_no_secret(tmp_path: Path) -> None:
    log_file = tmp_path / "server.log"
    lines = [f"INFO 07-10 12:00:01 [a.py:1] line {n}" for n in range(20)]
    lines[11] = "ValueError: cannot read https://me:hush-hush@hub.invalid/x"
    log_file.write_text("\n".join(lines) + "\n")
    failure = explain_exit(log_file, len("\n".join(lines[:5])) + 1, 1, False)
    assert failure.evidence_line == 12
    assert failure.evidence_text is not None
    assert "[redacted]@hub.invalid" in failure.evidence_text
    assert "hush" not in repr(failure)


def test_carriage_returns_and_colours_are_resolved_by_the_command(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "vconsole" / "servers" / "main"
    folder.mkdir(parents=True, mode=0o700)
    (folder / "server.log").write_text(
        "shards: 10%\rshards: 100%\n\x1b[31mINFO\x1b[0m 07-10 12:00:01 [a.py:1] red\x00\n"
        "key hf_AbCdEfGhIjKl\n"
    )
    script = "from vconsole.cli import main; main()"
    ran = subprocess.run(
        [sys.executable, "-c", script, "logs"], capture_output=True, text=True, check=True
    )
    shown = [line.split(maxsplit=1)[-1] for line in ran.stdout.splitlines()]
    assert "".join(shown[0:1]).endswith("100%")
    assert "10%\r" not in ran.stdout
    assert not {"\x1b", "\x00", "\r"} & set(ran.stdout)
    assert "INFO" in ran.stdout
    assert "key [redacted]" in ran.stdout
