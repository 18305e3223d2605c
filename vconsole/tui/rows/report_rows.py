"""The report as rows: served, energy and cost, what to do, what failed, was restarted and ran."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from vconsole.supervisor.model import Job
from vconsole.supervisor.telling.cost import Cost
from vconsole.supervisor.telling.report_model import Report, Served
from vconsole.tui.drawing import figures
from vconsole.tui.drawing.glyphs import Glyphs
from vconsole.tui.drawing.text import Line, Role, line, wrap
from vconsole.tui.rows.budget_note import budgets_left, level_spans

LABEL_CELLS = 9
SHOWN = 5


def report_rows(report: Report, width: int, glyphs: Glyphs) -> list[Line]:
    """The whole page, most important first; as many rows as it takes."""
    rows = [*_served(report.served), *_energy(report), *_levels(report), ()]
    rows += [*_advice(report, width, glyphs), ()]
    rows += _told("failure", _failures(report), Role.BAD_STRONG, glyphs.cross, width)
    rows += _told("restart", _restarts(report), Role.WARN_STRONG, glyphs.half, width)
    rows += _told("other warning", _notable(report), Role.WARN_STRONG, glyphs.warning, width)
    rows += _told("job", _jobs(report.jobs), Role.STRONG, glyphs.running, width)
    rows += _in_full(report, width)
    return rows


def _label(word: str) -> Line:
    return line((f"{word:<{LABEL_CELLS}}", Role.DIM))


def _served(served: Served) -> Iterator[Line]:
    requests = figures.plural(served.requests, "request")
    ends = sorted(served.finished.items(), key=lambda end: -end[1])
    told = [
        (f"   {count:,} {reason}", Role.BAD if reason == "error" and count else Role.DIM)
        for reason, count in ends
    ]
    yield line(_label("served"), (requests, Role.STRONG), *told)
    yield line(
        _label("tokens"),
        f"{served.generation_tokens:,} generated, {served.prompt_tokens:,} of prompts",
    )
    preempted = f"   {served.preemptions:,} preempted" if served.preemptions else ""
    yield line(_label("serving"), figures.span(served.serving_s), (preempted, Role.WARN))


def _energy(report: Report) -> Iterator[Line]:
    energy = figures.UNKNOWN if report.energy_wh is None else f"{report.energy_wh:,.1f} Wh"
    costs = report.costs
    cost = figures.money(costs.total.amount, costs.total.currency) if costs else figures.UNKNOWN
    month = figures.money(costs.month.amount, costs.month.currency) if costs else figures.UNKNOWN
    told = [("     cost  ", cost), ("     a month like this  ", month)]
    spans = [span for words, amount in told for span in ((words, Role.DIM), amount)]
    yield line(_label("energy"), energy, *spans)


def _levels(report: Report) -> Iterator[Line]:
    """What is left of each budget, on one row; nothing where none was counted."""
    if spans := budgets_left(report.levels):
        yield line(_label("levels"), *spans)


def _in_full(report: Report, width: int) -> Iterator[Line]:
    """Each amount and each budget with what it rests on, for who reads on."""
    for number, level in enumerate(report.levels):
        yield line(_label("levels" if number == 0 else ""), *level_spans(level))
    yield ()
    before = ""
    for words, cost in _amounts(report):
        label, amount = "" if before else "cost", figures.money(cost.amount, cost.currency)
        yield line(_label(label), f"{words:<20}", amount)
        if not (before and cost.rests_on.endswith(before)):
            for row in wrap(cost.rests_on, max(20, width - LABEL_CELLS)):
                yield line(_label(""), (row, Role.DIM))
        before = cost.rests_on


def _amounts(report: Report) -> Iterator[tuple[str, Cost]]:
    """All amounts; where the whole is unknown, it alone says why."""
    costs = report.costs
    if costs is None:
        return
    yield "all of it", costs.total
    if costs.total.amount is not None:
        yield "a request", costs.per_request
        yield "a million tokens", costs.per_million_tokens
        yield "a month like this", costs.month
        yield from ((f"job {one.job}", one.cost) for one in costs.jobs)


Told = list[tuple[datetime | None, str]]


def _failures(report: Report) -> Told:
    return [
        (one.at, f"{one.server or ''}  {one.message}" + (f"; {one.remedy}" if one.remedy else ""))
        for one in report.failures
    ]


def _restarts(report: Report) -> Told:
    return [(one.at, f"{one.server or ''}  {one.why}") for one in report.restarts]


def _notable(report: Report) -> Told:
    return [(one.at, f"{one.server or one.kind}  {one.text}") for one in report.notable]


def _jobs(jobs: Sequence[Job]) -> Told:
    return [
        (
            None,
            f"{job.id}  {job.state}  {job.done:,} of {job.total:,}"
            + (f", {job.failed:,} failed" if job.failed else ""),
        )
        for job in jobs
    ]


def _told(word: str, told: Told, role: Role, glyph: str, width: int) -> Iterator[Line]:
    """The latest of them under a heading with their number; nothing where there is none."""
    if not told:
        return
    before = len(told) - SHOWN
    more = f"   the last {SHOWN}" if before > 0 else ""
    yield line((f"{glyph} {figures.plural(len(told), word)}", role), (more, Role.DIM))
    for at, text in told[-SHOWN:]:
        stamp = at.astimezone().strftime("%a %H:%M") + "  " if at else ""
        first, *rest = wrap(text, max(20, width - 2 - len(stamp)))
        yield line((f"  {stamp}", Role.DIM), first)
        yield from (line(" " * (2 + len(stamp)), (row, Role.TEXT)) for row in rest[:2])
    yield ()


def _advice(report: Report, width: int, glyphs: Glyphs) -> Iterator[Line]:
    if not (report.failures or report.restarts or report.notable or report.advice):
        yield line((f"{glyphs.tick} Nothing went wrong.", Role.GOOD))
    for text in report.advice:
        first, *rest = wrap(text, max(20, width - 2))
        yield line((f"{glyphs.arrow} ", Role.ACCENT), first)
        yield from (line("  ", row) for row in rest)
