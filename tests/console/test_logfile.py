"""The index of a growing log and the selection of its lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from vconsole.engine.log.logline import LogLevel
from vconsole.tui.logs import logfile
from vconsole.tui.logs.folds import Folds
from vconsole.tui.logs.logfile import LogFile
from vconsole.tui.logs.selection import LogSelection
from vconsole.tui.logs.tail import read_tail


def opened(path: Path, text: str) -> LogFile:
    path.write_bytes(text.encode())
    file = LogFile(path)
    file.poll(budget_s=10)
    return file


def append(path: Path, text: str) -> None:
    with path.open("ab") as stream:
        stream.write(text.encode())


def test_lines_and_a_last_one_without_its_end(tmp_path: Path) -> None:
    file = opened(tmp_path / "a.log", "one\n\nthree\nfo")
    assert file.texts(0, 9) == ["one", "", "three", "fo"]
    append(file.path, "ur\n")
    assert file.poll()
    assert (len(file), file.text(3)) == (4, "four")
    assert not file.poll()


def test_levels_come_from_the_line_also_when_it_arrives_in_pieces(tmp_path: Path) -> None:
    file = opened(tmp_path / "a.log", '{"asctime": "x", "leveln')
    append(file.path, 'ame": "ERROR", "message": "m"}\nINFO:     fine\n')
    file.poll()
    assert [file.level(n) for n in range(2)] == [LogLevel.ERROR, LogLevel.INFO]
    assert file.first_error() == 0
    assert file.first_error(after=0) is None


def test_a_traceback_is_an_error_to_its_last_line(tmp_path: Path) -> None:
    text = (
        "starting\nTraceback (most recent call last):\n"
        '  File "a.py", line 1, in <module>\nValueError: bad\nwent on\n'
    )
    file = opened(tmp_path / "a.log", text)
    error = LogLevel.ERROR
    assert [file.level(n) for n in range(5)] == [0, error, error, error, 0]


def test_a_file_in_chunks_is_the_same_as_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "".join(f"line {n} " + "x" * (n % 50) + "\n" for n in range(300))
    whole = opened(tmp_path / "a.log", text)
    monkeypatch.setattr(logfile, "CHUNK_BYTES", 7)
    pieces = LogFile(whole.path)
    while not len(pieces) or pieces.behind:
        pieces.poll(budget_s=0)
    assert pieces.texts(0, 300) == whole.texts(0, 300)


def test_a_shorter_or_another_file_begins_anew(tmp_path: Path) -> None:
    file = opened(tmp_path / "a.log", "one\ntwo\n")
    file.path.write_text("new\n", encoding="utf-8")
    assert file.poll()
    assert file.texts(0, 9) == ["new"]
    file.path.unlink()
    file.poll()
    assert len(file) == 0


def test_a_very_long_line_is_cut(tmp_path: Path) -> None:
    file = opened(tmp_path / "a.log", "y" * 100_000 + "\nnext\n")
    assert len(file.text(0)) == logfile.LONGEST_LINE_BYTES
    assert file.text(1) == "next"


def test_the_index_costs_nine_bytes_a_line(tmp_path: Path) -> None:
    file = opened(tmp_path / "a.log", "INFO:     x\n" * 50_000)
    held = file._starts.buffer_info()[1] * file._starts.itemsize + len(file._levels)
    assert len(file) == 50_000
    assert held <= 50_001 * 9


def test_the_tail_skips_blank_lines_and_a_missing_file_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text("one\n\ntwo\n   \nthree\n", encoding="utf-8")
    assert [entry.message for entry in read_tail(path, 2)] == ["two", "three"]
    assert read_tail(tmp_path / "none", 2) == ()


def test_a_selection_by_level_and_text_follows_the_file(tmp_path: Path) -> None:
    file = opened(tmp_path / "a.log", "INFO:     load a\nERROR:     load b\nERROR:     c\n")
    selection = LogSelection(file, LogLevel.ERROR, "LOAD".lower())
    assert selection.advance()
    assert [selection.number(n) for n in range(len(selection))] == [1]
    append(file.path, "ERROR:     load d\n")
    file.poll()
    selection.advance()
    assert [selection.number(n) for n in range(len(selection))] == [1, 3]
    assert selection.position(2) == 1


def test_the_filter_sees_the_message_and_not_json_s_keys(tmp_path: Path) -> None:
    file = opened(tmp_path / "a.log", '{"levelname": "INFO", "message": "say \\"hi\\""}\n')
    for text, found in (("levelname", 0), ('"hi"', 1), ("h.\\W", 1), ("[", 0), ("SAY", 0)):
        selection = LogSelection(file, None, text)
        selection.advance()
        assert len(selection) == found, text


FRAMES = '  File "a.py", line 1, in f\n    g()\n    ^^^\n'
CRASH = f"Traceback (most recent call last):\n{FRAMES}ValueError: bad\n"
VLLMS = "".join(
    f"(EngineCore pid=7) ERROR 11-23 21:09:22 [core.py:1] {row}\n" for row in CRASH.splitlines()
)


@pytest.mark.parametrize("crash", [CRASH, VLLMS])
def test_the_frames_of_a_traceback_are_folded_under_its_head(tmp_path: Path, crash: str) -> None:
    file = opened(tmp_path / "a.log", f"one\n{crash}two\n{crash}three\n")
    shown = LogSelection(file, folded=True)
    numbers = [shown.number(position) for position in range(len(shown))]
    assert numbers == [0, 1, 5, 6, 7, 11, 12]
    assert [shown.position(number) for number in numbers] == list(range(7))
    assert shown.position(3) == 1
    assert [file.folds.under(number) for number in (0, 1, 2, 5, 7)] == [0, 3, 0, 0, 3]
    assert len(LogSelection(file)) == len(file)


def test_a_traceback_that_grows_and_one_that_is_found_are_seen(tmp_path: Path) -> None:
    file = opened(tmp_path / "a.log", "Traceback (most recent call last):\n  File 1\n")
    shown, found = LogSelection(file, folded=True), LogSelection(file, text="File", folded=True)
    append(file.path, "    g()\nValueError: bad\n")
    file.poll()
    found.advance()
    assert [shown.number(position) for position in range(len(shown))] == [0, 3]
    assert [found.number(position) for position in range(len(found))] == [1]
    errors = LogSelection(file, LogLevel.ERROR, folded=True)
    errors.advance()
    assert [errors.number(position) for position in range(len(errors))] == [0, 3]


def test_a_json_record_folds_nothing_after_it(tmp_path: Path) -> None:
    record = '{"message": "failed\\nTraceback (most recent call last):\\n  File 1"}\n'
    file = opened(tmp_path / "a.log", f"{record}  indented by somebody else\n")
    assert file.folds.total == 0


def test_an_error_has_one_place_however_long_it_is(tmp_path: Path) -> None:
    file = opened(tmp_path / "a.log", f"one\n{VLLMS}two\n{CRASH}")
    assert file.first_error() == 1
    assert file.first_error(1) == 7
    assert file.first_error(7) is None


def test_folds_follow_lines_that_went_into_an_archive() -> None:
    folds = Folds()
    for number in (3, 4, 10, 11, 12):
        folds.hide(number)
    folds.drop_before(4)
    assert [number for number in range(10) if folds.is_hidden(number)] == [6, 7, 8]
    assert folds.total == 3


def test_each_phase_of_a_start_is_marked_where_it_begins(tmp_path: Path) -> None:
    said = (
        "vLLM server version 0.32.0",
        "Initializing a V1 LLM engine (v0.32.0) with config",
        "Starting to load model demo",
        "Model loading took 7.2 GiB and 9.1 seconds",
        "Available KV cache memory: 1.12 GiB",
        "Starting vLLM server on http://127.0.0.1:8000",
        "somebody wrote: Capturing CUDA graphs",
    )
    lines = [f'{{"levelname": "INFO", "message": "{each}"}}\n' for each in said]
    file = opened(tmp_path / "a.log", "".join(lines))
    assert file.phases == {0: "config", 1: "init", 2: "weights", 3: "memory", 5: "ready"}
