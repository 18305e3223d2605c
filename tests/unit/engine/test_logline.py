"""Log lines in each form that vLLM and its libraries write."""

from __future__ import annotations

import json
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vconsole.engine.log.logline import LogLevel, parse, printable


def test_the_json_form() -> None:
    line = json.dumps(
        {
            "asctime": "2026-11-23 20:58:53,590",
            "levelname": "WARNING",
            "name": "vllm.config",
            "process": 5555,
            "message": "first\nsecond",
            "vllm_process_name": "EngineCore_DP0",
        }
    )
    found = parse(line)
    assert found.level is LogLevel.WARNING
    assert found.process == "EngineCore_DP0"
    assert found.message == "first\nsecond"
    assert found.at == datetime(2026, 11, 23, 20, 58, 53, 590_000).astimezone()
    assert found.raw == line


@pytest.mark.parametrize(
    ("line", "level", "process", "message"),
    [
        (
            "(EngineCore pid=123) INFO 11-23 20:58:53 [core.py:12] ready to go",
            LogLevel.INFO,
            "EngineCore",
            "ready to go",
        ),
        ("ERROR 02-29 03:02:51 [a.py:1] odd day", LogLevel.ERROR, None, "odd day"),
        ("WARNING 08-21 03:02:51 run.py:732] old", LogLevel.WARNING, None, "old"),
        (
            "(VllmWorker rank=1 pid=7) ERROR 05-01 10:00:00 [x.py:3] gone",
            LogLevel.ERROR,
            "VllmWorker rank=1",
            "gone",
        ),
        ("INFO:     Application startup complete.", LogLevel.INFO, None, None),
        ("(APIServer pid=9) plain", None, "APIServer", "plain"),
        ("{not json", None, None, "{not json"),
        ('{"json": "of something else"}', None, None, '{"json": "of something else"}'),
        ("", None, None, ""),
    ],
)
def test_the_text_forms(
    line: str, level: LogLevel | None, process: str | None, message: str | None
) -> None:
    found = parse(line, year=2025)
    if message is not None:
        assert found.message == message
    if level is not None:
        assert found.level is level
    assert found.process == process


def test_the_old_text_form_without_a_bracket() -> None:
    found = parse("INFO 08-21 03:02:59 gpu_executor.py:102] # GPU blocks: 5131", year=2024)
    assert (found.level, found.message) == (LogLevel.INFO, "# GPU blocks: 5131")
    assert found.at == datetime(2024, 8, 21, 3, 2, 59).astimezone()


def test_a_day_that_the_year_does_not_have_is_unknown() -> None:
    assert parse("INFO 02-29 03:02:59 [a.py:1] x", year=2025).at is None


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[32mINFO\x1b[0m ok", "INFO ok"),
        ("0%|   \r50%|##  \r100%|####\r", "100%|####"),
        ("a\tb", "a   b"),
        ("bell\x07 and \x1b]0;title\x07text", "bell and text"),
        ("\r\r", ""),
    ],
)
def test_printable_is_what_a_terminal_shows_at_last(raw: str, shown: str) -> None:
    assert printable(raw) == shown


@given(st.text())
def test_any_line_is_parsed_and_kept(line: str) -> None:
    found = parse(line)
    assert found.raw == line
    assert "\x1b[" not in found.message
