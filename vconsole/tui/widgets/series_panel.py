"""A panel of figures with their history: one row each, or four with a scale where there is room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vconsole.tui.drawing import figures
from vconsole.tui.drawing.graph import nice_ceiling, row_graph, tall_graph
from vconsole.tui.drawing.text import Line, Role, cells, fit, line, spread
from vconsole.tui.widgets.panel import Panel

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


class SeriesPanel(Panel, can_focus=True):
    """Subclasses say what `series` and the `footing` rows are."""

    label_cells = 24

    def series(self) -> Sequence[Series]:
        return ()

    @property
    def window_s(self) -> float:
        return self.view.window_s if self.view else 0.0

    def footing(self) -> Sequence[Line]:
        return ()

    def body(self, width: int, height: int) -> Sequence[Line]:
        if self.view is None:
            return ()
        series, footing = self.series(), self.footing()
        if height >= len(series) * TALL_ROWS + 1 + len(footing):
            rows = (height - 1 - len(footing)) // len(series)
            tall = [row for each in series for row in self._tall(each, width, rows)]
            return [*tall, self._time_axis(width), *footing]
        return [*(self._row(each, width) for each in series), *footing]

    def _values(self, each: Series, width: int) -> tuple[list[float | None], float]:
        if self.view is None:
            return [], 1.0
        history, now = self.view.history, self.view.now
        values = history.columns(each.field, width, self.window_s, now)
        highest = max((value for value in values if value is not None), default=0.0)
        return values, each.top or nice_ceiling(highest, each.floor)

    def _row(self, each: Series, width: int) -> Line:
        head = fit(line((f"{each.label} ", Role.DIM), each.figure), self.label_cells)
        room = width - self.label_cells - cells(each.after)
        values, top = self._values(each, room)
        return line(head, row_graph(values, top, self.glyphs, each.role), each.after)

    def _tall(self, each: Series, width: int, rows: int) -> list[Line]:
        room = width - TALL_LABEL_CELLS - SCALE_CELLS - 2
        values, top = self._values(each, room)
        graph = tall_graph(values, top, rows, self.glyphs, each.role)
        heads = [line((each.label.strip(), Role.DIM)), each.figure, each.after]
        heads += [()] * (rows - len(heads))
        scale = [self._scale(each, top), *[""] * (rows - 2), "0"]
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
        return each.scale or figures.compact(top)

    def _time_axis(self, width: int) -> Line:
        room = width - TALL_LABEL_CELLS - SCALE_CELLS - 2
        left = self.glyphs.tree + self.glyphs.horizontal
        middle = figures.window(self.window_s / 2)
        start, end = f"{left} {figures.window(self.window_s)} ago ", " now"
        rule = self.glyphs.horizontal
        first = max(1, room // 2 - len(start) + 1 - len(middle) // 2)
        text = start + rule * first + f" {middle} "
        indent = " " * (TALL_LABEL_CELLS + SCALE_CELLS + 1)
        return spread(
            line(indent, (text + rule * max(0, room + 1 - len(text) - len(end)), Role.FAINT)),
            line((end, Role.FAINT)),
            width,
        )
