"""Bars and history graphs as text, on a fixed scale: 0 at the bottom, `top` at the top.

Textual's own Sparkline scales to its data, so that a flat line at 90 % looks like 0; these do not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from vconsole.tui.drawing.glyphs import Glyphs
from vconsole.tui.drawing.text import Line, Role, Span, grouped

Values = Sequence[float | None]
STEPS = (1, 2, 5, 10)


def nice_ceiling(value: float, floor: float) -> float:
    """The next 1, 2 or 5 times a power of ten at or above `value`, and at least `floor`."""
    if value <= floor:
        return floor
    magnitude = 10.0 ** math.floor(math.log10(value))
    return next(step * magnitude for step in STEPS if step * magnitude >= value * (1 - 1e-9))


def row_graph(values: Values, top: float, glyphs: Glyphs, role: Role = Role.ACCENT) -> Line:
    """One cell high; zero is a faint base line and unknown is blank."""
    return grouped(_cell(value, top, 0, 1, glyphs, role) for value in values)


def tall_graph(
    values: Values, top: float, height: int, glyphs: Glyphs, role: Role = Role.ACCENT
) -> list[Line]:
    """`height` cells high, uppermost row first; the crest in `role`, what is under it muted."""
    return [
        grouped(_cell(value, top, row, height, glyphs, role) for value in values)
        for row in reversed(range(height))
    ]


def _cell(
    value: float | None, top: float, row: int, height: int, glyphs: Glyphs, role: Role
) -> Span:
    """The cell of one column in `row`, counted from the bottom."""
    if value is None:
        return " ", Role.FAINT
    if value <= 0:
        return (glyphs.baseline, Role.FAINT) if row == 0 else (" ", Role.FAINT)
    eighths = min(height * 8, max(1, math.ceil(value / top * height * 8 - 1e-9)))
    level = min(8, max(0, eighths - row * 8))
    crest = eighths <= (row + 1) * 8
    return glyphs.levels[level], role if crest else Role.SECOND


def bar(share: float | None, width: int, glyphs: Glyphs, role: Role = Role.ACCENT) -> Line:
    """A progress bar of `width` cells; an unknown share is an empty track."""
    eighths = 0 if share is None else round(min(1.0, max(0.0, share)) * width * 8)
    full, rest = divmod(eighths, 8)
    filled = glyphs.full * full + (glyphs.eighths[rest - 1] if rest else "")
    track = glyphs.track * (width - len(filled))
    return tuple(span for span in ((filled, role), (track, Role.FAINT)) if span[0])


def stacked_bar(parts: Sequence[tuple[float, str, Role]], total: float, width: int) -> Line:
    """Parts of `total` as (size, glyph, role), in cells that sum to `width` at most.

    A part that is there at all gets a cell, so that a small tenant is not rounded away.
    """
    spans: list[Span] = []
    done, used = 0.0, 0
    for size, glyph, role in parts:
        done += size
        end = min(width, round(done / total * width)) if total > 0 else 0
        length = max(end - used, 1 if size > 0 and used < width else 0)
        spans.append((glyph * length, role))
        used += length
    return tuple(span for span in spans if span[0])
