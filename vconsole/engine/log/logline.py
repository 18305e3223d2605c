"""One line of vLLM's log as data: its JSON form, its text form, uvicorn's, or raw.

Forms are those of vLLM 0.32 (`vllm/logging_utils`, `--logging-config.formatter json`), uvicorn's
default format, and whatever libraries print past the loggers, which stays raw.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

import msgspec


class LogLevel(IntEnum):
    """Python's logging levels, comparable."""

    DEBUG = 10
    INFO = 20
    WARNING = 30
    ERROR = 40
    CRITICAL = 50


@dataclass(frozen=True, slots=True)
class LogLine:
    """`at` is in the local zone; level, process and time are None where the line has none."""

    at: datetime | None
    level: LogLevel | None
    process: str | None
    message: str
    raw: str


class _JsonRecord(msgspec.Struct):
    message: str
    levelname: str = ""
    asctime: str = ""
    vllm_process_name: str = ""


LEVELS = {level.name: level for level in LogLevel} | {"WARN": LogLevel.WARNING}
ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
PREFIX = re.compile(r"\((?P<process>[A-Za-z][\w.-]*(?: rank=\d+)?) pid=\d+\) ?")
TEXT = re.compile(
    r"(?P<level>DEBUG|INFO|WARNING|ERROR|CRITICAL) "
    r"(?P<month>\d\d)-(?P<day>\d\d) (?P<clock>\d\d:\d\d:\d\d) "
    r"\[?(?P<place>[^\]\s]+)\] ?(?P<message>.*)",
    re.DOTALL,
)
UVICORN = re.compile(
    r"(?P<level>DEBUG|INFO|WARNING|ERROR|CRITICAL): {2,}(?P<message>.*)", re.DOTALL
)

_decode_json = msgspec.json.Decoder(_JsonRecord).decode


def parse(line: str, year: int | None = None) -> LogLine:
    """Read one line without its newline; the text form lacks a year, so `year` supplies it."""
    raw = line
    if line.startswith("{"):
        try:
            return _from_json(_decode_json(line), raw)
        except (msgspec.MsgspecError, UnicodeEncodeError):
            pass
    line = printable(line)
    process = None
    if prefix := PREFIX.match(line):
        process, line = prefix["process"], line[prefix.end() :]
    if text := TEXT.fullmatch(line):
        at = _text_instant(text, year or datetime.now().year)
        return LogLine(at, LEVELS[text["level"]], process, text["message"], raw)
    if uvicorn := UVICORN.fullmatch(line):
        return LogLine(None, LEVELS[uvicorn["level"]], process, uvicorn["message"], raw)
    return LogLine(None, None, process, line, raw)


def printable(line: str) -> str:
    """What a terminal would show at last: without escapes, the last of overwritten texts."""
    if "\x1b" in line:
        line = ESCAPES.sub("", line)
    if "\r" in line:
        parts = [part for part in line.split("\r") if part.strip()]
        line = parts[-1] if parts else ""
    line = line.expandtabs(4) if "\t" in line else line
    return CONTROLS.sub("", line)


def _from_json(record: _JsonRecord, raw: str) -> LogLine:
    message = "\n".join(printable(part) for part in record.message.split("\n"))
    level = LEVELS.get(record.levelname)
    return LogLine(
        _json_instant(record.asctime), level, record.vllm_process_name or None, message, raw
    )


def _json_instant(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text.replace(",", ".")).astimezone()
    except ValueError:
        return None


def _text_instant(found: re.Match[str], year: int) -> datetime | None:
    try:
        return datetime.fromisoformat(
            f"{year}-{found['month']}-{found['day']}T{found['clock']}"
        ).astimezone()
    except ValueError:
        return None
