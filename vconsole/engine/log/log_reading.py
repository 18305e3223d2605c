"""A vLLM log as people have it, made into lines that can be searched.

Undoes what terminals and collectors add: colours, carriage returns, Docker, Kubernetes, compose and
journald prefixes, vLLM's JSON records, hard wraps at a fixed width, newest-first order. Every line
keeps the number of the line of the given text that it comes from.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

_ANSI = re.compile(
    r"(?:\x1b|\ufffd|ESC|\^\[|\\x1b|\\u001b|\u241b)\[[0-9;?]*[A-Za-z]"
    r"|\x1b(?:\][^\x07]*\x07|[()][A-Z0-9])|\x9b[0-9;]*m"
)
# What word processors and forums make of the ASCII that programs print.
_ASCII = str.maketrans("\u2018\u2019\u201c\u201d\u00a0", "''\"\" ")
_COLLECTORS = (
    re.compile(r"\d{4}-\d\d-\d\dT[\d:.,]+(?:Z|[+-]\d\d:?\d\d)? \S+ [^\s:\[]+\[\d+\]: "),
    re.compile(
        r"\d{4}-\d\d-\d\d[T ][\d:.,]+(?:Z|[+-]\d\d:?\d\d)?[ \t]+"
        r"(?:std(?:out|err) [FP] |\[\w+ *\] \S+ \w+ - )?"
    ),
    re.compile(r"- \d{4}-\d\d-\d\dT[\d:.,]+(?:Z|[+-]\d\d:?\d\d)? "),
    re.compile(r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S+ [^\s:\[]+(?:\[\d+\])?: "),
    re.compile(r"\[?[\w.-]+\]? +\| |\[[\w.-]+\]: "),
)
_MARGIN = re.compile(r"> ?| {2,8}")
_PREFIX = re.compile(
    r"(?:\[[A-Za-z]+-?\d+\]:?\s?)?"
    r"(?:\((?:(?:[\w./ :=,-]+? )?(?:pid|ip)=[^)]*|EngineCore\w*|APIServer\w*|\w*Worker\w*)\)"
    r"\s?){0,2}"
    r"(?:\[[A-Za-z]+-?\d+\]:\s?)?"
    r"(?:(?P<level>DEBUG|INFO|WARNING|ERROR|CRITICAL|FATAL)"
    r"(?::\s+|\s+(?:\d[\d:\-., T]*)?\[?[\w./-]+:\d+\] ?|\s+\d\d-\d\d [\d:.,]+ ?)"
    r"(?:\([\w./ :-]+? pid=[^)]*\)\s?)?)?"
)
_BEGINS = re.compile(
    r"\((?:\w|-)+ pid=|\{\"|(?:DEBUG|INFO|WARNING|ERROR|CRITICAL)[: ]|Traceback|  File "
)
_CLOCK = re.compile(r"\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d+)?")
_SAMPLE = 60


class LogLine(NamedTuple):
    """One searchable line: its number in the given text (from 1), level and content.

    `shown` is what the user sees of it; `parts` are the (number, text) of the lines that a terminal
    made of one.
    """

    number: int
    level: str
    text: str
    shown: str
    prefixed: bool = True
    parts: tuple[tuple[int, str], ...] = ()


class _Raw(NamedTuple):
    """A line as given, or several joined, without colours and the collector's prefix."""

    parts: tuple[tuple[int, str], ...]
    text: str


def read(lines: Iterable[str]) -> list[LogLine]:
    """The lines that can matter, oldest first, without prefixes; a JSON record gives several."""
    raw = list(_clean(list(lines)))
    width = _wrap_width(raw)
    if width:
        raw = _joined(raw, width)
    found = [line for each in _without_traffic(raw) for line in _parse(each)]
    return found[::-1] if _newest_first(found) else found


def _without_traffic(lines: Iterable[_Raw]) -> list[_Raw]:
    """All but successful requests, and statistics that follow statistics: the first says enough."""
    kept: list[_Raw] = []
    was_statistics = False
    for line in lines:
        text = line.text
        if 'HTTP/1.1" 200' in text or 'HTTP/1.1\\" 200' in text:
            continue
        is_statistics = " throughput: " in text and "usage: 9" not in text
        if not (is_statistics and was_statistics):
            kept.append(line)
        was_statistics = is_statistics
    return kept


def reflow(lines: list[LogLine]) -> list[LogLine]:
    """The same with every line that has no prefix of its own joined to the one before it.

    Undoes wrapping between words; tracebacks without prefixes keep their lines.
    """
    joined: list[LogLine] = []
    for line in lines:
        last = joined[-1] if joined else None
        if last is None or line.prefixed or line.number == last.number:
            joined.append(line)
        elif not line.text.startswith((" ", "Traceback")):
            parts = (last.parts or ((last.number, last.shown),)) + ((line.number, line.shown),)
            joined[-1] = last._replace(text=f"{last.text} {line.text}", parts=parts)
        else:
            joined.append(line)
    return joined


def _wrap_width(lines: list[_Raw]) -> int:
    """The width at which a terminal broke the text; 0 when none did."""
    widths = Counter(len(line.text) for line in lines)
    if not widths:
        return 0
    longest = max(widths)
    return longest if 40 <= longest <= 400 and widths[longest] >= max(3, len(lines) // 50) else 0


def _joined(lines: list[_Raw], width: int) -> list[_Raw]:
    """Lines of exactly `width` together with what follows them, unless that begins a new one."""
    joined: list[_Raw] = []
    length = 0
    for line in lines:
        if length == width and not _BEGINS.match(line.text):
            joined[-1] = _Raw(joined[-1].parts + line.parts, joined[-1].text + line.text)
        else:
            joined.append(line)
        length = len(line.text)
    return joined


def _clean(lines: list[str]) -> Iterator[_Raw]:
    """Each line, or each part that a carriage return would have overwritten."""
    collector = _collector(lines[:_SAMPLE])
    for number, line in enumerate(lines, 1):
        text = line.rstrip("\r\n")
        if text.startswith('{"log":'):
            text = _docker(text)
        if not text.isascii():
            text = text.translate(_ASCII)
        if "m" in text and ("[0" in text or "[1;" in text or "[3" in text):
            text = _ANSI.sub("", text)
        if collector and (prefix := collector.match(text)):
            text = text[prefix.end() :]
        for part in text.split("\r") if "\r" in text else (text,):
            yield _Raw(((number, part),), part)


def _collector(sample: list[str]) -> re.Pattern[str] | None:
    """The prefix that most lines share, if a log collector wrote one."""
    filled = [line for line in sample if line.strip()]
    for pattern in _COLLECTORS:
        if filled and sum(1 for line in filled if pattern.match(line)) > 0.6 * len(filled):
            return pattern
    return _MARGIN if filled and all(_MARGIN.match(line) for line in filled) else None


def _docker(line: str) -> str:
    try:
        return str(json.loads(line).get("log", "")).rstrip("\r\n")
    except (ValueError, AttributeError):
        return line


def _parse(raw: _Raw) -> Iterator[LogLine]:
    number, text = raw.parts[0][0], raw.text
    parts = raw.parts if len(raw.parts) > 1 else ()
    if text.startswith("{") and (record := _record(text)) is not None:
        level = str(record.get("levelname") or record.get("level") or "").upper()
        body = [str(record.get("message") or record.get("msg") or "")]
        body += [
            str(record[key]) for key in ("exc_info", "exc_text", "stack_info") if key in record
        ]
        for part in "\n".join(body).splitlines():
            yield LogLine(number, level, part, part, True, parts)
    elif is_worth_reading(text):
        prefix = _PREFIX.match(text)
        end = prefix.end() if prefix else 0
        level = (prefix["level"] or "") if prefix else ""
        yield LogLine(number, level, text[end:], text, end > 0, parts)


def _record(text: str) -> dict[str, Any] | None:
    if '"message"' not in text and '"msg"' not in text:
        return None
    if '"levelname": "INFO"' in text and not is_worth_reading(text):
        return {}
    try:
        record = json.loads(text)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


# What an INFO line must contain to say anything about a failure or the phase of the run.
_TELLING = (
    "server version", "  version ", "args: ", "Starting to load", "oading model", "oading weights",
    "weights t", "startup complete", "shutdown", "Shutting down", "cache usage: 9",
    "cache usage: 100", "reempt", "FlashInfer", "Falling back", "falling back", "shared memory",
    "chat template", "KV cache size", "memory profiling", "raph capturing", "throughput",
    "rror", "SIG", "ignal", "init engine", "Starting vLLM", "Started server", "upported",
)  # fmt: skip


def is_worth_reading(text: str) -> bool:
    """Whether a line can be evidence: false for access lines, progress bars and plain chatter."""
    if "%|" in text or "shards:" in text:
        return False
    if "INFO" not in text[:110]:
        return True
    return any(word in text for word in _TELLING)


def _newest_first(lines: list[LogLine]) -> bool:
    """Whether the order is reversed: by the clocks, else by tracebacks that begin at their end."""
    clocks = [found[0] for line in lines if (found := _CLOCK.search(line.shown[:90]))]
    rises = sum(1 for one, other in pairwise(clocks) if other > one)
    falls = sum(1 for one, other in pairwise(clocks) if other < one)
    if rises or falls:
        return falls > 2 * rises
    heads = [i for i, line in enumerate(lines) if line.text.startswith("Traceback (most recent")]
    frames = [i for i, line in enumerate(lines) if line.text.lstrip().startswith('File "')]
    return bool(heads and frames) and heads[0] > frames[-1]
