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

_ANSI = re.compile(r"\x1b(?:\[[0-9;?]*[A-Za-z]|\][^\x07]*\x07|[()][A-Z0-9])|\x9b[0-9;]*m")
_COLLECTORS = (
    re.compile(
        r"\d{4}-\d\d-\d\d[T ][\d:.,]+(?:Z|[+-]\d\d:?\d\d)?[ \t]+"
        r"(?:std(?:out|err) [FP] |\[\w+ *\] \S+ \w+ - )?"
    ),
    re.compile(r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S+ [^\s:\[]+(?:\[\d+\])?: "),
    re.compile(r"[\w.-]+ +\| "),
)
_PREFIX = re.compile(
    r"(?:\[[A-Za-z]+-?\d+\]:?\s?)?"
    r"(?:\((?:[\w./ :=-]+? )?(?:pid|ip)=[^)]*\)\s?)?"
    r"(?:\[[A-Za-z]+-?\d+\]:\s?)?"
    r"(?:(?P<level>DEBUG|INFO|WARNING|ERROR|CRITICAL|FATAL)"
    r"(?::\s+|\s+(?:\d[\d:\-., T]*)?\[?[\w./-]+:\d+\] ?|\s+\d\d-\d\d [\d:.,]+ ?)"
    r"(?:\([\w./ :-]+? pid=[^)]*\)\s?)?)?"
)
_CLOCK = re.compile(r"\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d+)?")
_SAMPLE = 60


class LogLine(NamedTuple):
    """One searchable line: its number in the given text (from 1), level and content."""

    number: int
    level: str
    text: str
    shown: str
    prefixed: bool = True


def read(lines: Iterable[str]) -> list[LogLine]:
    """The lines that can matter, oldest first, without prefixes; a JSON record gives several."""
    numbered = list(_unwrapped(list(lines)))
    found = [line for number, text in numbered for line in _parse(number, text)]
    return found[::-1] if _newest_first(found) else found


def reflow(lines: list[LogLine]) -> list[LogLine]:
    """The same lines with those joined that a terminal broke; numbers point at the first part."""
    width = _wrap_width(lines)
    joined: list[LogLine] = []
    length = 0
    for line in lines:
        last = joined[-1] if joined else None
        if last is None or line.prefixed or not line.text or line.number == last.number:
            joined.append(line)
        elif width and length == width:
            joined[-1] = last._replace(text=last.text + line.text)
        elif not width and not line.text.startswith((" ", "Traceback")):
            joined[-1] = last._replace(text=f"{last.text} {line.text}")
        else:
            joined.append(line)
        length = len(line.shown)
    return joined


def _wrap_width(lines: list[LogLine]) -> int:
    """The width at which the text was broken; 0 when it was not."""
    widths = Counter(len(line.shown) for line in lines)
    if not widths:
        return 0
    longest = max(widths)
    return longest if 40 <= longest <= 400 and widths[longest] >= max(3, len(lines) // 50) else 0


def _unwrapped(lines: list[str]) -> Iterator[tuple[int, str]]:
    """(number, text) of each physical line, without colours and the collector's prefix."""
    collector = _collector(lines[:_SAMPLE])
    for number, line in enumerate(lines, 1):
        text = line.rstrip("\r\n")
        if text.startswith('{"log":'):
            text = _docker(text)
        if "\x1b" in text or "\x9b" in text:
            text = _ANSI.sub("", text)
        if collector and (prefix := collector.match(text)):
            text = text[prefix.end() :]
        if "\r" in text:
            for part in text.split("\r"):
                yield number, part
        else:
            yield number, text


def _collector(sample: list[str]) -> re.Pattern[str] | None:
    """The prefix that most lines share, if a log collector wrote one."""
    filled = [line for line in sample if line.strip()]
    for pattern in _COLLECTORS:
        if filled and sum(1 for line in filled if pattern.match(line)) > 0.6 * len(filled):
            return pattern
    return None


def _docker(line: str) -> str:
    try:
        return str(json.loads(line).get("log", "")).rstrip("\r\n")
    except (ValueError, AttributeError):
        return line


def _parse(number: int, text: str) -> Iterator[LogLine]:
    if text.startswith("{") and (record := _record(text)) is not None:
        level = str(record.get("levelname") or record.get("level") or "").upper()
        body = [str(record.get("message") or record.get("msg") or "")]
        body += [str(record[key]) for key in ("exc_info", "exc_text", "stack_info") if key in record]
        for part in "\n".join(body).splitlines():
            yield LogLine(number, level, part, part)
    elif is_worth_reading(text):
        yield _plain(number, text)


def _plain(number: int, text: str) -> LogLine:
    prefix = _PREFIX.match(text)
    if prefix is None or not prefix.end():
        return LogLine(number, "", text, text, False)
    return LogLine(number, prefix["level"] or "", text[prefix.end() :], text)


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
    "server version", "non-default args", "Starting to load", "oading model", "oading weights",
    "weights t", "startup complete", "shutdown", "Shutting down", "cache usage: 9",
    "cache usage: 100", "reempt", "FlashInfer", "Falling back", "falling back", "shared memory",
    "chat template", "KV cache size", "memory profiling", "raph capturing", "throughput",
    "rror", "SIG", "ignal",
)  # fmt: skip


def is_worth_reading(text: str) -> bool:
    """Whether a line can be evidence: false for access lines, progress bars and plain chatter."""
    if "%|" in text or "shards:" in text:
        return False
    if "INFO" not in text[:110]:
        return True
    if 'HTTP/1.1" 200' in text:
        return False
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
