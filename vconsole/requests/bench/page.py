"""The whole bench on one page: as text for a terminal, and as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from vconsole.requests.bench.comparing import differences, overall
from vconsole.requests.bench.kept import Answer, Answered, Bench
from vconsole.requests.bench.plot import drawn, plot_of
from vconsole.requests.bench.points import points
from vconsole.requests.bench.tables import compared_table, tables, text_table
from vconsole.requests.bench.words import conditions, warnings
from vconsole.requests.safe_text import safe
from vconsole.settings import PriceSettings

PLOT_HEIGHT, WIDEST_PLOT = 16, 100
NOTHING = ["", "nothing was measured"]


def lines(
    bench: Bench, prices: PriceSettings, width: int, *, ascii_only: bool = False
) -> list[str]:
    """Everything as text; `width` is that of the terminal, which tables may go beyond."""
    told = [f"{bench.id} {bench.state}", *(f"  {line}" for line in conditions(bench))]
    told += _measured(bench, prices, width, ascii_only) if bench.measured else NOTHING
    return [safe(line) for line in told]


def _measured(bench: Bench, prices: PriceSettings, width: int, ascii_only: bool) -> list[str]:
    told: list[str] = []
    for table in tables(bench, prices):
        told += ["", *text_table(table.heads, table.rows)]
    plot = plot_of(points(bench))
    if plot and len(points(bench)) > 1:
        told += ["", *drawn(plot, min(width, WIDEST_PLOT), PLOT_HEIGHT, ascii_only=ascii_only)]
    if found := differences(bench) + overall(bench):
        compared = compared_table(found)
        told += ["", *text_table(compared.heads, compared.rows)]
    told += [line for one in bench.answered for line in answer_lines(one)]
    if said := warnings(bench):
        told += ["", *(f"warning: {line}" for line in said)]
    return told


def answer_lines(one: Answered) -> list[str]:
    """A prompt with the answers to it, a line each."""
    told = ["", f"{one.key}: {one_line(one.prompt)}"]
    if one.wanted:
        told.append(f"  wanted: {one_line(one.wanted)}")
    for answer in one.answers:
        points = "" if answer.score is None else f" [{answer.score:.2f} {answer.verdict}]"
        told.append(f"  {answer.contender}{points}: {one_line(answer.text)}")
    return told


def one_line(text: str, most: int = 160) -> str:
    words = " ".join(text.split())
    return words if len(words) <= most else f"{words[: most - 1]}…"


def markdown(bench: Bench, prices: PriceSettings) -> str:
    """The whole bench for a page: conditions, tables, differences, warnings, answers."""
    told = [f"# Bench {bench.id}", "", *(f"- {line}" for line in conditions(bench))]
    compared = compared_table(differences(bench) + overall(bench))
    for table in (*tables(bench, prices), *((compared,) if compared.rows else ())):
        told += ["", _row(table.heads), _row(["---", *("---:",) * (len(table.heads) - 1)])]
        told += [_row(row) for row in table.rows]
    if said := warnings(bench):
        told += ["", *(f"- {line}" for line in said)]
    for one in bench.answered:
        told += ["", f"## {one.key}", "", _quoted(one.prompt)]
        told += [f"*wanted:* {one.wanted}", ""] if one.wanted else []
        for answer in one.answers:
            told += [f"**{answer.contender}**{scored(answer)}", "", _quoted(answer.text)]
    return "\n".join(told) + "\n"


def scored(answer: Answer) -> str:
    """` (0.50, like the reference)`, or nothing where nobody says what is right."""
    return "" if answer.score is None else f" ({answer.score:.2f}, {answer.verdict})"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.splitlines()) + "\n"
