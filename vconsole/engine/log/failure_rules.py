"""The rules of the diagnosis, read from `failure_rules.toml`, and the search for them in lines."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from importlib import resources
from typing import Any, NamedTuple

from vconsole.engine.log.line_index import Run

_FILE = "failure_rules.toml"
# Between a frame and what it raised stand the frame's code, its marks and a message's first lines.
_FRAME_LINES = 8
_RAISED = re.compile(r"(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception): ")


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry of the rules file; the file's head says what each field means."""

    cause: str
    match: tuple[str, ...]
    message: str
    plain: str
    remedy: str
    severity: str = "fatal"
    rank: int = 50
    flags: tuple[str, ...] = ()
    veto: tuple[str, ...] = ()
    retryable: bool = False
    phase: str | None = None
    serving: str = "ignore"
    dead: bool = False
    silent: bool = False
    anywhere: bool = False
    raised_in: tuple[str, ...] = ()
    signal: int | None = None


class Hit(NamedTuple):
    """A rule that matched: which pattern, the line's index in the run, the text, the figures."""

    rule: Rule
    pattern: int
    place: int
    matched: str
    figures: dict[str, str]


@dataclass(frozen=True, slots=True)
class RuleBook:
    """All rules, and the function names that tell a phase of the run."""

    rules: tuple[Rule, ...]
    phases: dict[str, re.Pattern[str]]


@cache
def rule_book() -> RuleBook:
    """The rules that ship with vconsole."""
    text = resources.files("vconsole.engine.log").joinpath(_FILE).read_text(encoding="utf-8")
    table = tomllib.loads(text)
    lists = {f"@{name}": tuple(patterns) for name, patterns in table["patterns"].items()}
    phases = {
        name: re.compile(r", in (?:\w+\.)*(?:" + "|".join(names) + r")\b")
        for name, names in table["phases"].items()
    }
    return RuleBook(tuple(_rule(entry, lists) for entry in table["rule"]), phases)


def _rule(entry: dict[str, Any], lists: dict[str, tuple[str, ...]]) -> Rule:
    match = [each for name in entry["match"] for each in lists.get(name, (name,))]
    message = entry.get("message", entry.get("plain"))
    fixed: dict[str, Any] = {
        "match": tuple(match),
        "message": message,
        "plain": entry.get("plain", message),
        "flags": tuple(entry.get("flags", ())),
        "veto": tuple(entry.get("veto", ())),
        "raised_in": tuple(entry.get("raised_in", ())),
    }
    return Rule(**{**entry, **fixed})


@lru_cache(maxsize=2048)
def anchor(pattern: str) -> str:
    """The longest plain run of characters that every match of `pattern` contains, in lower case."""
    runs, run, depth, index = [""], "", 0, 0
    while index < len(pattern):
        char, following = pattern[index], pattern[index + 1 : index + 2]
        step, literal = 1, ""
        if char == "\\":
            step, literal = 2, "" if following.isalnum() else following
        elif char == "[":
            step = max(pattern.find("]", index + 2) - index + 1, 1)
        elif char == "{":
            step = max(pattern.find("}", index) - index + 1, 1)
        elif char not in "().^$*+?}|":
            literal = char
        depth += (char == "(") - (char == ")")
        if (
            literal
            and not depth
            and pattern[index + step : index + step + 1] not in ("?", "*", "{")
        ):
            run += literal
        else:
            runs.append(run)
            run = ""
        index += step
    return max([*runs, run], key=len).lower()


@lru_cache(maxsize=2048)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


def search(rules: Sequence[Rule], run: Run) -> Iterator[Hit]:
    """Every place where a rule matches; a rule without `anywhere` skips lines of low level."""
    frame_at = cache(partial(_innermost_frame, run))
    for rule in rules:
        index = run.whole if rule.anywhere else run.serious
        for number, pattern in enumerate(rule.match):
            for place in index.places(anchor(pattern)):
                text = run.lines[place].text
                found = _compiled(pattern).search(text)
                if not found or _is_innocent(rule, text):
                    continue
                if not rule.raised_in or _is_one_of(rule.raised_in, frame_at(place)):
                    figures = {name: value for name, value in found.groupdict().items() if value}
                    yield Hit(rule, number, place, found[0], figures)


def _is_innocent(rule: Rule, text: str) -> bool:
    return any(_compiled(veto).search(text) for veto in rule.veto)


def _is_one_of(patterns: Sequence[str], frame: str) -> bool:
    return any(_compiled(each).search(frame) for each in patterns)


def _innermost_frame(run: Run, place: int) -> str:
    """The nearest frame of the traceback that ends at this line, with forward slashes."""
    for line in reversed(run.lines[max(0, place - _FRAME_LINES) : place]):
        text = line.text.lstrip()
        if text.startswith('File "'):
            return text.replace("\\", "/")
        if text.startswith("Traceback") or _RAISED.match(text):
            break
    return ""
