"""The service level on the console: what is left of a budget, and how fast it burns."""

from __future__ import annotations

from collections.abc import Sequence

from vconsole.supervisor.telling.levels import ERRORS, TITLES, Level
from vconsole.tui.drawing import figures
from vconsole.tui.drawing.glyphs import Glyphs
from vconsole.tui.drawing.text import Line, Role, Span, line

ROLES = {"kept": Role.GOOD, "burning": Role.WARN, "spent": Role.BAD, "unknown": Role.DIM}
WORST_FIRST = ("spent", "burning", "kept")


def budget_note(levels: Sequence[Level], glyphs: Glyphs) -> Line:
    """`✓ levels 93 % left`, or which promise is the worst: `▲ TTFT p95 41 % left`."""
    known = [level for level in levels if level.budget_left is not None]
    if not known:
        return ()
    worst = min(known, key=lambda one: (WORST_FIRST.index(one.state), one.budget_left))
    if worst.state == "kept":
        return line((f"{glyphs.tick} ", Role.GOOD), (f"levels {_left(worst)}", Role.DIM))
    mark = glyphs.cross if worst.state == "spent" else glyphs.warning
    role = ROLES[worst.state]
    return line((f"{mark} ", role), (f"{TITLES[worst.name]} budget {_left(worst)}", role))


def level_spans(level: Level) -> tuple[Span | str, ...]:
    """`TTFT p95 <= 1,000 ms   93 % left   burns 0.4x`, and of how many."""
    target = f"{level.target * 100:g} %" if level.name == ERRORS else f"{level.target:,g} ms"
    promise = f"{TITLES[level.name]} at most {target}"
    if level.budget_left is None:
        return (f"{promise:<26}", (level.rests_on, Role.DIM))
    burn = level.burn.get("1h")
    pace = figures.UNKNOWN if burn is None else f"{burn:.1f}x"
    return (
        f"{promise:<26}",
        (f"{_left(level):<12}", ROLES[level.state]),
        (f"burns {pace:<7}", Role.DIM),
        (f"{figures.compact(level.bad)} of {figures.compact(level.total)}", Role.DIM),
    )


def budgets_left(levels: Sequence[Level]) -> tuple[Span | str, ...]:
    """`TTFT p95 75 % left   ITL p95 92 % left`, of the promises of which anything is known."""
    known = [level for level in levels if level.budget_left is not None]
    return tuple(
        span
        for level in known
        for span in (
            (f"{TITLES[level.name]} ", Role.DIM),
            (f"{_left(level)}   ", ROLES[level.state]),
        )
    )


def _left(level: Level) -> str:
    left = level.budget_left
    if left is not None and left < 0:
        return f"{figures.percent(-left)} over"
    return f"{figures.percent(left)} left"
