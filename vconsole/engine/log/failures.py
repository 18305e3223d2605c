"""Why a vLLM run failed or got worse, read from its log alone.

Causality decides, not position: of the rules that match, the one deepest in the chain of causes
wins, wrappers such as "Engine core initialization failed" match none, what came before a successful
start or after a requested stop does not count, and of several runs in a file the last one speaks.
"""

from __future__ import annotations

import math
import re
import string
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from vconsole.engine.log.failure_rules import Hit, Rule, rule_book, search
from vconsole.engine.log.line_index import Run, index_run
from vconsole.engine.log.log_reading import LogLine, read, reflow
from vconsole.engine.log.run_outcome import Outcome, arguments_of, outcome_of, phase_at, split_runs

# What a second look, at lines joined again that were wrapped between words, may correct.
_VAGUE = ("unknown", "healthy", "bad_argument", "import_error")
_POLITE_SIGNALS = (2, 15)
# An exception with its message: a pydantic error says what is wrong two lines below its name.
_ONE_MESSAGE_LINES = 4
# What no server dies of explains a death while serving only if it was said shortly before.
_BEFORE_DEATH_LINES = 300
_LONGEST_SAID = 300
_CODE = ("    ", "raise ", "return ", "assert ", "except ", "self.", "with ", "from ", "import ")
_EXCEPTION = re.compile(
    r"^[\s|]{0,8}(?:[a-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Exit|Interrupt|Failure|Fault)"
    r"(?::|$| \()"
)
# Whatever ends a traceback is one too, however its class is called.
_OTHER_EXCEPTION = re.compile(r"^(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:: |$)")
_WRAPPERS = re.compile(
    r"initialization failed|EngineDeadError|EngineCore encountered|stack trace|died unexpectedly"
    r"|CancelledError|KeyboardInterrupt|SystemExit|EngineCore failed to start|Executor failed"
)


class Severity(StrEnum):
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    FATAL = "fatal"


@dataclass(frozen=True, slots=True)
class Evidence:
    """The line from which the cause was read: its number in the given text, from 1."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A cause (or `healthy`, `unknown`), one sentence about it, and what to do."""

    cause: str
    severity: Severity
    message: str
    evidence: Evidence | None = None
    remedy: str | None = None
    retryable: bool = False
    suggested_flags: tuple[str, ...] = ()


_HEALTHY = Diagnosis("healthy", Severity.HEALTHY, "Nothing in this log says that vLLM failed.")


def diagnose(
    lines: Iterable[str], *, exit_signal: int | None = None, stop_requested: bool = False
) -> Diagnosis:
    """What the log says about its last run.

    `exit_signal` is the signal that ended the server, where known; `stop_requested` says that
    somebody asked it to stop, which makes its parting errors harmless.
    """
    asked = stop_requested or exit_signal in _POLITE_SIGNALS
    found = _HEALTHY
    for age, run in enumerate(reversed(split_runs(read(lines)))):
        found, is_conclusive = _of_run(run, exit_signal if age == 0 else None, asked and age == 0)
        if found.cause != "healthy" or is_conclusive:
            break
    return found


def degradations(lines: Iterable[str], *, serving: bool) -> tuple[Diagnosis, ...]:
    """What these lines of a living server say of its being worse than it could be, a cause each.

    With `serving` they were printed after it was ready: faults that it survived then count too.
    """
    run = index_run(read(lines))
    found: dict[str, Diagnosis] = {}
    for hit in search(rule_book().rules, run):
        lasting = serving and hit.rule.serving == "degraded"
        if hit.rule.severity == "degraded" or lasting:
            found.setdefault(hit.rule.cause, _explain(hit, run, Severity.DEGRADED))
    return tuple(found.values())


def _of_run(
    lines: list[LogLine], exit_signal: int | None, stop_requested: bool
) -> tuple[Diagnosis, bool]:
    """The diagnosis of one run, and whether the run came to a result at all."""
    run = index_run(lines)
    outcome = outcome_of(run, stop_requested)
    found = _look(run, outcome, exit_signal)
    if found.cause in _VAGUE and len(joined := reflow(lines)) < len(lines):
        run = index_run(joined)
        # An exception that was seen stays one, though joined to a wrapper it looks like that.
        silent = found.cause != "unknown"
        clearer = _look(run, outcome_of(run, stop_requested), exit_signal, silent_rules=silent)
        found = found if clearer.cause in _VAGUE else clearer
    return found, outcome.is_conclusive


def _look(
    run: Run, outcome: Outcome, exit_signal: int | None, silent_rules: bool = True
) -> Diagnosis:
    hits = [hit for hit in search(rule_book().rules, run) if _in_phase(hit, run, outcome)]
    exception = _exception(run, _explains_from(outcome))
    silent_rules = silent_rules and exception is None
    fatal = [
        hit for hit in hits if _is_fatal(hit, outcome) and (silent_rules or not hit.rule.silent)
    ]
    if fatal:
        return _explain(_deepest(_with_forerunners(fatal, hits), run), run, Severity.FATAL)
    if exit_signal and not outcome.stop_requested:
        return _of_signal(exit_signal, run)
    failed = outcome.failed_at is not None or (outcome.ready_at is None and exception)
    if failed and not outcome.stop_requested:
        deadly = [hit for hit in hits if hit.rule.dead]
        if deadly:
            return _explain(_deepest(deadly, run), run, Severity.FATAL)
        return _unknown(exception or run.lines[outcome.failed_at or 0])
    worse = [hit for hit in hits if _is_degraded(hit, outcome)]
    return _explain(_deepest(worse, run), run, Severity.DEGRADED) if worse else _HEALTHY


def _with_forerunners(fatal: list[Hit], hits: list[Hit]) -> list[Hit]:
    """The fatal hits and the warnings that foretold the same cause, which know its root."""
    causes = {hit.rule.cause for hit in fatal}
    return fatal + [hit for hit in hits if hit.rule.dead and hit.rule.cause in causes]


def _deepest(hits: Sequence[Hit], run: Run) -> Hit:
    """The hit nearest to the root cause, on the line that tells most about it."""
    first = min(
        hits,
        key=lambda hit: (hit.rule.silent, _is_code(run.lines[hit.place]), hit.rule.rank, hit.place),
    )
    near = range(first.place, first.place + _ONE_MESSAGE_LINES)
    same = [hit for hit in hits if hit.rule is first.rule and hit.place in near]
    return min(same, key=lambda hit: (_is_code(run.lines[hit.place]), hit.pattern, hit.place))


def _is_code(line: LogLine) -> bool:
    """Whether the line is source code quoted by a traceback."""
    return line.text.startswith(_CODE)


def _in_phase(hit: Hit, run: Run, outcome: Outcome) -> bool:
    return hit.rule.phase is None or phase_at(run, hit.place, outcome) == hit.rule.phase


def _is_fatal(hit: Hit, outcome: Outcome) -> bool:
    """Whether this hit ended the run: not before a successful start, not after a stop."""
    if hit.rule.severity != "fatal" or outcome.is_after_stop(hit.place):
        return False
    if hit.place < outcome.survived_until or (hit.rule.silent and outcome.stop_requested):
        return False
    if outcome.ready_at is None:
        return True
    if hit.rule.serving == "fatal":
        return not outcome.asked
    return outcome.died_serving and hit.place >= _explains_from(outcome)


def _explains_from(outcome: Outcome) -> int:
    """The line from which on an error may be why the run ended."""
    if outcome.ready_at is None or outcome.failed_at is None:
        return outcome.survived_until
    return max(outcome.survived_until, outcome.failed_at - _BEFORE_DEATH_LINES)


def _is_degraded(hit: Hit, outcome: Outcome) -> bool:
    if outcome.is_after_stop(hit.place):
        return False
    lasting = hit.rule.serving == "degraded" and outcome.ready_at is not None
    return hit.rule.severity == "degraded" or lasting


def _explain(hit: Hit, run: Run, severity: Severity) -> Diagnosis:
    rule, figures = hit.rule, _derived(arguments_of(run) | hit.figures)
    return Diagnosis(
        rule.cause,
        severity,
        _filled(rule.message, figures) or rule.plain,
        _evidence(run.lines[hit.place], hit.matched),
        _remedy(rule, figures),
        rule.retryable,
        _flags(rule, figures),
    )


def _evidence(line: LogLine, matched: str) -> Evidence:
    """The line, or the part of a broken one that holds most of what matched."""
    if not line.parts:
        return Evidence(line.number, line.shown)
    number, text = max(line.parts, key=lambda part: _overlap(part[1].strip(), matched))
    return Evidence(number, text)


def _overlap(part: str, matched: str) -> int:
    """How many characters of `matched` lie in `part`, which may hold only its end or beginning."""
    if matched in part or part in matched:
        return min(len(matched), len(part))
    sizes = range(min(len(part), len(matched)), 0, -1)
    ends = (n for n in sizes if part.endswith(matched[:n]) or part.startswith(matched[-n:]))
    return next(ends, 0)


def _of_signal(number: int, run: Run) -> Diagnosis:
    rule = next((rule for rule in rule_book().rules if rule.signal == number), None)
    if rule is None:
        return Diagnosis("killed_by_signal", Severity.FATAL, f"Signal {number} ended the server.")
    last = next((line for line in reversed(run.lines) if line.text.strip()), None)
    evidence = Evidence(last.number, last.shown) if last else None
    return Diagnosis(
        rule.cause, Severity.FATAL, rule.plain, evidence, _remedy(rule, {}), rule.retryable
    )


def _unknown(line: LogLine) -> Diagnosis:
    said = line.text.strip()[:_LONGEST_SAID]
    return Diagnosis(
        "unknown",
        Severity.FATAL,
        f"vLLM failed, and vconsole does not know this error: {said}",
        Evidence(line.number, line.shown),
        "Read the first exception in its context; search for it in vLLM's issues.",
    )


def _exception(run: Run, start: int) -> LogLine | None:
    """The first exception from `start` on that is neither a wrapper nor a mere warning."""
    places = [index for index in run.serious.indices if index >= start]
    for pattern in (_EXCEPTION, _OTHER_EXCEPTION):
        for index in places:
            text = run.lines[index].text
            named = pattern.match(text) and not _WRAPPERS.search(text)
            if named and (pattern is _EXCEPTION or _ends_traceback(run, index)):
                return run.lines[index]
    return None


def _ends_traceback(run: Run, index: int) -> bool:
    """Whether the line before is a frame of a traceback, or the head of one cut short."""
    before = run.lines[index - 1].text if index else ""
    return before.startswith(("    ", '  File "', "Traceback"))


def _derived(figures: dict[str, str]) -> dict[str, str]:
    """The figures of a match, and those that follow from them by arithmetic."""
    more = {name: value.replace(",", "") if value[0].isdigit() else value
            for name, value in figures.items()}  # fmt: skip
    free, total = (_number(more.get(name)) for name in ("free", "total"))
    if free and total and free > 0.01 * total:
        more["utilization"] = f"{math.floor(free / total * 100) / 100:.2f}"
    if {"heads", "tp"} <= more.keys():
        heads, tensor_parallel = int(more["heads"]), int(more["tp"])
        fitting = [size for size in range(1, tensor_parallel) if heads % size == 0]
        more["fitting_tp"] = str(max(fitting, default=1))
    if "seqs" in more:
        more["fewer_seqs"] = str(max(1, int(more["seqs"]) // 4))
    return more


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


def _filled(template: str, figures: dict[str, str]) -> str | None:
    names = [name for _, name, _, _ in string.Formatter().parse(template) if name]
    return template.format_map(figures) if all(name in figures for name in names) else None


def _remedy(rule: Rule, figures: dict[str, str]) -> str | None:
    """The sentences whose figures are known; the first is no alternative to one left out."""
    sentences = re.split(r"(?<=\.) (?=[A-Z])", rule.remedy)
    known = " ".join(text for each in sentences if (text := _filled(each, figures)))
    alternative = known.removeprefix("Or ")
    return alternative[:1].upper() + alternative[1:] or None


def _flags(rule: Rule, figures: dict[str, str]) -> tuple[str, ...]:
    filled = [_filled(flag, figures) for flag in rule.flags]
    return tuple(flag for flag in filled if flag) if all(filled) else ()
