"""How long users waited: to the first token, between tokens, to the end.

In the last minute, and with room beside it in the last ten.
"""

from __future__ import annotations

from collections.abc import Sequence

from vconsole.engine.metrics.figures import Bound, Metrics, Quantiles
from vconsole.tui.drawing import figures
from vconsole.tui.drawing.text import Line, Role, Span, line
from vconsole.tui.rows.budget_note import budget_note, level_spans
from vconsole.tui.widgets.panel import Panel

MEAN_FROM = 42
BESIDE_FROM = 62
MEANS_FROM = 72
# So many rows are there only where the panel has the screen to itself.
ALONE_ROWS = 10
PERCENTILES = ("p50", "p95", "p99")
CELL, CELL_BESIDE = 9, 8
LABEL_CELLS = 5
GAP = "   "


class LatencyPanel(Panel, can_focus=True):
    def heading(self) -> tuple[Line, Line]:
        spans = "1 min and 10 min" if self.size.width >= BESIDE_FROM + 4 else "1 min"
        return line(("Latency", Role.STRONG)), line((spans, Role.DIM))

    def foot(self) -> Line:
        """The promise that is kept worst, by its budget; nothing where none was counted."""
        status = self.view.status if self.view else None
        return budget_note(status.levels if status else (), self.glyphs)

    def body(self, width: int, height: int) -> Sequence[Line]:
        metrics = (
            self.view.status.metrics if self.view and self.view.status else None
        ) or Metrics()
        names = (*PERCENTILES, "mean") if width >= MEAN_FROM else PERCENTILES
        beside = width >= BESIDE_FROM
        ten_names = (*PERCENTILES, "mean") if width >= MEANS_FROM else PERCENTILES
        cell = CELL_BESIDE if beside else CELL
        head = " " * LABEL_CELLS + "".join(f"{name:>{cell}}" for name in names)
        if beside:
            head += GAP + "".join(f"{name:>{cell}}" for name in ten_names)
        rows = [line((head, Role.DIM))]
        for label, minute, ten in (
            ("TTFT", metrics.ttft_ms, metrics.ttft_10min_ms),
            ("ITL", metrics.itl_ms, metrics.itl_10min_ms),
            ("E2E", metrics.e2e_ms, metrics.e2e_10min_ms),
        ):
            waits = self._waits(minute, names, cell, Role.STRONG)
            if beside:
                waits = (*waits, (GAP, Role.DIM), *self._waits(ten, ten_names, cell, Role.DIM))
            rows.append(line((f"{label:<{LABEL_CELLS}}", Role.DIM), *waits))
        return [*rows, *(self._promises() if height >= ALONE_ROWS else ())]

    def _promises(self) -> list[Line]:
        """Each promise of the service level: what is left of its budget in 30 days."""
        levels = self.view.status.levels if self.view and self.view.status else ()
        return [(), *(line(*level_spans(level)) for level in levels)]

    def _waits(
        self, waits: Quantiles, names: Sequence[str], cell: int, first: Role
    ) -> tuple[Span, ...]:
        """A cell for each figure; one that is only a bucket's bound begins with its sign."""
        signs: dict[Bound | None, str] = {None: ""}
        signs |= {Bound.AT_MOST: self.glyphs.at_most, Bound.AT_LEAST: self.glyphs.at_least}
        cells = []
        for name in names:
            sign = signs[getattr(waits, f"{name}_bound", None)]
            text = sign + figures.latency(getattr(waits, name))
            role = Role.DIM if first is Role.DIM else Role.TEXT
            cells.append((f"{text:>{cell}}", first if name == names[0] else role))
        return tuple(cells)
