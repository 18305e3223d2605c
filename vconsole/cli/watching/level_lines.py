"""Promises and costs, as `status` and `report` print them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vconsole.cli.output import figure, percent
from vconsole.monitoring.budget import lasts_s
from vconsole.supervisor.telling.cost import Cost
from vconsole.supervisor.telling.costs import Costs
from vconsole.supervisor.telling.levels import ERRORS, TITLES, Level

MARKS = {"kept": "✓", "burning": "▲", "spent": "✕", "unknown": "—"}
DAY_S = 86_400.0


def level_lines(levels: Iterable[Level], explain: bool = False) -> Iterator[str]:
    """A line a promise; with `explain` what it rests on below it."""
    for number, level in enumerate(levels):
        yield f"  {'levels' if number == 0 else '':<8} {MARKS[level.state]} {level_words(level)}"
        if explain:
            yield f"             {level.rests_on}"


def level_words(level: Level) -> str:
    """`TTFT p95 <= 1,000 ms: 93 % of the budget left, burns 0.4 times`."""
    promise = f"{TITLES[level.name]} <= {target_words(level)}"
    if level.budget_left is None:
        return f"{promise}: {level.rests_on}"
    return f"{promise}: {budget_words(level)}, burns {figure(level.burn.get('1h'), 'x', 1)}"


def budget_words(level: Level) -> str:
    left = level.budget_left
    if left is not None and left < 0:
        return f"overdrawn by {percent(-left)}"
    return f"{percent(left)} of the budget left{_ends(level)}"


def target_words(level: Level) -> str:
    if level.name == ERRORS:
        return f"{level.target * 100:g} %"
    return f"{level.target:,g} ms"


def cost_lines(costs: Costs) -> Iterator[str]:
    """Every amount with what it rests on; where nothing is known, one line says why."""
    if costs.total.amount is None and costs.month.amount is None:
        yield f"  cost     — {costs.total.rests_on}"
        return
    yield f"  cost     {money(costs.total)}  ({costs.total.rests_on})"
    yield f"           a request {money(costs.per_request)}"
    yield f"           a million generated tokens {money(costs.per_million_tokens)}"
    for job in costs.jobs:
        yield f"           job {job.job} {money(job.cost)}  ({job.cost.rests_on})"
    yield f"           a month like this {money(costs.month)}  ({costs.month.rests_on})"


def money(cost: Cost) -> str:
    """Two digits, or as many as a small amount needs; `—` with its reason where unknown."""
    if cost.amount is None:
        return f"— ({cost.rests_on})"
    digits = (
        f"{cost.amount:,.2f}" if cost.amount >= 0.1 or not cost.amount else f"{cost.amount:.3g}"
    )
    return f"{digits} {cost.currency}".rstrip()


def _ends(level: Level) -> str:
    """When the budget ends at the pace of the last hour, where that is before its time."""
    seconds = lasts_s(level.burn.get("1h"), level.budget_left) if level.alarm else None
    if seconds is None:
        return ""
    return f" (spent in {seconds / DAY_S:.1f} days at this pace)"
