"""What is told of a bench beside its table, page by page: rows of text without a terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from vconsole.requests.bench.comparing import Compared, differences, overall
from vconsole.requests.bench.kept import Answered, Bench
from vconsole.requests.bench.kept_comparing import compare_benches
from vconsole.requests.bench.model import Difference, Verdict, Warmth
from vconsole.requests.bench.points import load_words
from vconsole.requests.bench.tables import UNKNOWN, difference_cells, server_side, text_table
from vconsole.requests.bench.words import conditions, warnings
from vconsole.requests.safe_text import safe
from vconsole.supervisor.jobs.asked_bench import command_of
from vconsole.tui.drawing.text import Line, Role, line, wrap

# What draws a page in a width and a height; it may be longer than that.
Draw = Callable[[int, int], list[Line]]
LABEL_CELLS, MATRIX_CELLS = 12, 12
NEITHER = {Verdict.NO_DIFFERENCE: "within the noise", Verdict.TOO_FEW: "too few repeats"}
SHORT = {Verdict.NO_DIFFERENCE: "noise", Verdict.TOO_FEW: "few"}


def pages(bench: Bench, held: Bench | None) -> dict[str, Draw]:
    """Titles with what draws them; only those that have something to say."""
    found: dict[str, Draw] = {}
    if held is not None and held.id != bench.id:
        found[f"{bench.id} against {held.id}"] = lambda width, height: _kept(
            held, bench, width, height
        )
    if compared := differences(bench):
        others = dict.fromkeys(one.other for one in compared)
        title = f"{', '.join(others)} against {compared[0].first}"
        found[title] = lambda _, height: _compared((*overall(bench), *compared), height)
    if server_side(bench).rows:
        found["The server's own view"] = lambda width, _: _server(bench, width)
    if bench.answered:
        found["Answers"] = lambda width, _: _answers(bench.answered, width)
    found["Conditions"] = lambda width, _: _conditions(bench, width)
    return found


def _kept(held: Bench, bench: Bench, width: int, height: int) -> list[Line]:
    found, remarks = compare_benches(held, bench)
    said = [line((row, Role.DIM)) for each in remarks for row in wrap(safe(each), width)]
    if not found:
        return [line(("They have no load in common.", Role.WARN)), *said]
    return [*_compared(found, height - len(said)), *said]


def _compared(found: Sequence[Compared], height: int) -> list[Line]:
    """With intervals where there is room for a row a figure, else a row a load."""
    return (
        _at_length(found) if sum(len(o.differences) for o in found) <= height else _in_short(found)
    )


def _in_short(found: Sequence[Compared]) -> list[Line]:
    names = [f"{_load_words(one)} {_who(one, found)}".strip() for one in found]
    wide = max(map(len, names)) + 1
    figures = [difference_cells(each)[0] for each in found[0].differences]
    rows = [line((f"{'':<{wide}}" + "".join(f"{f:>{MATRIX_CELLS}}" for f in figures), Role.DIM))]
    for name, one in zip(names, found, strict=True):
        cells = ((f"{_in_a_cell(each):>{MATRIX_CELLS}}", _role(each)) for each in one.differences)
        rows.append(line((f"{name:<{wide}}", Role.STRONG), *cells))
    return rows


def _in_a_cell(one: Difference) -> str:
    """`1.25 better`, `1.01 noise`: how b stands to a."""
    if one.ratio is None:
        return UNKNOWN
    return f"{one.ratio:.2f} {SHORT.get(one.verdict) or difference_cells(one)[3]}"


def _role(one: Difference) -> Role:
    return {True: Role.GOOD, False: Role.BAD, None: Role.DIM}[one.better]


def _load_words(one: Compared) -> str:
    return "all" if one.load is None else load_words(one.load)


def _who(one: Compared, found: Sequence[Compared]) -> str:
    """Whom a row is about, where that is not one and the same."""
    several = len({each.other for each in found}) > 1
    warm = any(each.warmth is not Warmth.COLD for each in found)
    return " ".join(([one.other] if several else []) + ([one.warmth.value] if warm else []))


def _at_length(found: Sequence[Compared]) -> list[Line]:
    """Under each load a row a figure; what is beyond the noise has a colour."""
    rows: list[Line] = []
    for one in found:
        load = "all loads" if one.load is None else f"at {load_words(one.load)}"
        label = f"{load} {_who(one, found)} "
        rows += [_difference(label if at == 0 else "", d) for at, d in enumerate(one.differences)]
    return rows


def _difference(label: str, one: Difference) -> Line:
    figure, ratio, interval, verdict = difference_cells(one)
    role = _role(one)
    return line(
        (f"{label:<{LABEL_CELLS}}", Role.STRONG),
        (f"{figure:<10}", Role.TEXT),
        (f"{ratio:>7}", role),
        (f"  {interval:<15}", Role.DIM),
        (NEITHER.get(one.verdict, verdict), role),
    )


def _server(bench: Bench, width: int) -> list[Line]:
    """With as many percentiles as there is room for."""
    drawn: list[str] = []
    for parts in (3, 2, 1):
        table = server_side(bench, parts)
        drawn = text_table(table.heads, table.rows)
        if len(drawn[0]) <= width:
            break
    return [line((drawn[0], Role.DIM)), *(line(row) for row in drawn[1:])]


def _answers(answered: Sequence[Answered], width: int) -> list[Line]:
    rows: list[Line] = []
    for one in answered:
        rows += [line((row, Role.STRONG)) for row in wrap(_words(one.key, one.prompt), width)[:2]]
        if one.wanted:
            rows += [line((row, Role.DIM)) for row in wrap(_words("wanted", one.wanted), width)[:2]]
        for answer in one.answers:
            points = "" if answer.score is None else f" {answer.score:.2f} {answer.verdict}"
            role = (
                Role.DIM if answer.score is None else Role.GOOD if answer.score == 1 else Role.WARN
            )
            head = line((answer.contender, Role.ACCENT), (points, role))
            text = wrap(_words("", answer.text), max(10, width - 2))[:3]
            rows += [head, *(line("  ", row) for row in text)]
    return rows


def _words(label: str, text: str) -> str:
    said = " ".join(safe(text).split())
    return f"{label}: {said}" if label else said


def _conditions(bench: Bench, width: int) -> list[Line]:
    rows = [line((row, Role.WARN)) for said in warnings(bench) for row in wrap(safe(said), width)]
    rows += [line(row) for said in conditions(bench) for row in wrap(safe(said), width)]
    rows += [line((row, Role.DIM)) for row in wrap(f"The same as: {command_of(bench.spec)}", width)]
    return rows
