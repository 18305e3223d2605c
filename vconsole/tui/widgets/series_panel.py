"""A panel of figures with their history: one row each, or four with a scale where there is room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vconsole.tui.figures import compact
from vconsole.tui.graph import nice_ceiling, row_graph, tall_graph
from vconsole.tui.text import Line, Role, cells, fit, line, spread
from vconsole.tui.widgets.panel import Panel

WINDOW_S = 600.0
TALL_ROWS = 4
SCALE_CELLS = 5
TALL_LABEL_CELLS = 16


@dataclass(frozen=True, slots=True)
class Series:
    """`field` is one of `Sample`; `top` fixes the scale, else it steps by 1, 2, 5 from `floor`.

    `scale` writes the scale's upper end; `figure` is what stands before the graph.
    """

    field: str
    label: str
    figure: Line
    floor: float = 1.0
    top: float | None = None
    role: Role = Role.ACCENT
    scale: str = ""
    after: Line = ()


class SeriesPanel(Panel):
    """Subclasses say what `series` and the `footing` rows are."""

    label_cells = 24

    def series(self) -> Sequence[Series]:
        return ()

    def footing(self) -> Sequence[Line]:
        return ()

    def body(self, width: int, height: int) -> Sequence[Line]:
        if self.view is None:
            return ()
        series, footing = self.series(), self.footing()
        if height >= len(series) * TALL_ROWS + 1 + len(footing):
            tall = [row for each in series for row in self._tall(each, width)]
            return [*tall, self._time_axis(width), *footing]
        return [*(self._row(each, width) for each in series), *footing]

    def _values(self, each: Series, width: int) -> tuple[list[float | None], float]:
        if self.view is None:
            return [], 1.0
        history, now = self.view.history, self.view.now
        values = history.columns(each.field, width, WINDOW_S, now)
        highest = max((value for value in values if value is not None), default=0.0)
        return values, each.top or nice_ceiling(highest, each.floor)

    def _row(self, each: Series, width: int) -> Line:
        head = fit(line((f"{each.label} ", Role.DIM), each.figure), self.label_cells)
        room = width - self.label_cells - cells(each.after)
        values, top = self._values(each, room)
        return line(head, row_graph(values, top, self.glyphs, each.role), each.after)

    def _tall(self, each: Series, width: int) -> list[Line]:
        room = width - TALL_LABEL_CELLS - SCALE_CELLS - 2
        values, top = self._values(each, room)
        graph = tall_graph(values, top, TALL_ROWS, self.glyphs, each.role)
        heads = [line((each.label.strip(), Role.DIM)), each.figure, each.after, ()]
        scale = [self._scale(each, top), "", "", "0"]
        return [
            line(
                fit(head, TALL_LABEL_CELLS),
                (f"{mark:>{SCALE_CELLS}} ", Role.FAINT),
                (self.glyphs.axis if mark else self.glyphs.vertical, Role.FAINT),
                row,
            )
            for head, mark, row in zip(heads, scale, graph, strict=True)
        ]

    def _scale(self, each: Series, top: float) -> str:
        return each.scale or compact(top)

    def _time_axis(self, width: int) -> Line:
        room = width - TALL_LABEL_CELLS - SCALE_CELLS - 2
        left = self.glyphs.tree + self.glyphs.horizontal
        middle = "5 min"
        start, end = f"{left} 10 min ago ", " now"
        rule = self.glyphs.horizontal
        first = max(1, room // 2 - len(start) + 1 - len(middle) // 2)
        text = start + rule * first + f" {middle} "
        indent = " " * (TALL_LABEL_CELLS + SCALE_CELLS + 1)
        return spread(
            line(indent, (text + rule * max(0, room + 1 - len(text) - len(end)), Role.FAINT)),
            line((end, Role.FAINT)),
            width,
        )
