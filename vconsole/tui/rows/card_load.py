"""The load and the power of the server's card over the time window, in a row side by side."""

from __future__ import annotations

from textual.geometry import Size

from vconsole.tui.drawing.glyphs import Glyphs
from vconsole.tui.drawing.graph import row_graph
from vconsole.tui.drawing.text import Line, Role, line
from vconsole.tui.view import View

SMALLEST = Size(120, 44)
GAP = "  "


def has_room(terminal: Size) -> bool:
    return terminal.width >= SMALLEST.width and terminal.height >= SMALLEST.height


def load_row(view: View, width: int, glyphs: Glyphs) -> Line:
    half = (width - len(GAP)) // 2
    limit_w = view.status.gpus[0].power_limit_w if view.status and view.status.gpus else None
    load = _graph(view, "gpu_utilization", "load  ", 1.0, half, glyphs)
    return line(load, GAP, _graph(view, "gpu_power_w", "power ", limit_w, half, glyphs))


def _graph(
    view: View, field: str, label: str, top: float | None, width: int, glyphs: Glyphs
) -> Line:
    """A scale that is not known is that of the highest value."""
    values = view.history.columns(field, width - len(label), view.window_s, view.now)
    known = [value for value in values if value is not None]
    return line((label, Role.DIM), row_graph(values, top or max(known, default=1.0), glyphs))
