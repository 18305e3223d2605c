"""Throughput over latency: a dot a load, a colour and a mark a contender."""

from __future__ import annotations

from collections.abc import Sequence

from vconsole.requests.bench.plot import LATENCIES, Lines, Plot, plot_of
from vconsole.requests.bench.points import points
from vconsole.tui.actions import key_for
from vconsole.tui.drawing.glyphs import ASCII
from vconsole.tui.drawing.text import Line, Role, Span, grouped, line
from vconsole.tui.rows.bench_look import CURVES, BenchRow
from vconsole.tui.widgets.panel import Panel

AXES = ("e2e_ms", "ttft_ms", "itl_ms")
LEAST_ROWS = 5


class BenchPlot(Panel):
    """`axis` is the latency that its dots lie at."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.row: BenchRow | None = None
        self.axis = AXES[0]

    def show_row(self, row: BenchRow | None) -> None:
        self.row = row
        self.redraw()

    def turn_axis(self) -> None:
        self.axis = AXES[(AXES.index(self.axis) + 1) % len(AXES)]
        self.redraw()

    @property
    def plot(self) -> Plot | None:
        return plot_of(points(self.row.bench), self.axis) if self.row else None

    def heading(self) -> tuple[Line, Line]:
        title = line((f"Tokens per second over {LATENCIES[self.axis]} p50", Role.STRONG))
        plot = self.plot
        return title, self._legend(plot) if plot else ()

    def foot(self) -> Line:
        if self.view is None or self.row is None:
            return ()
        key = key_for(self.view, "bench.axis")
        return line((key, Role.KEY), (" axis", Role.DIM))

    def _legend(self, plot: Plot) -> Line:
        marks = Lines(plot, 20, 10, ascii_only=self.glyphs is ASCII)
        return line(
            *(
                (f"{'  ' if at else ''}{marks.mark(at)} {curve.name}", CURVES[at % len(CURVES)])
                for at, curve in enumerate(plot.curves)
            )
        )

    def body(self, width: int, height: int) -> Sequence[Line]:
        plot = self.plot
        if plot is None or height < LEAST_ROWS:
            words = "The first measurement draws the first dot." if plot is None else ""
            return [line((words, Role.DIM))]
        # The legend stands in the border: its row is one more for the dots.
        canvas = Lines(plot, width, height + 1, ascii_only=self.glyphs is ASCII)
        rows = canvas.rows()[:-1]
        return [self._coloured(text, y, canvas) for y, text in enumerate(rows)]

    def _coloured(self, text: str, y: int, canvas: Lines) -> Line:
        def of(x: int, character: str) -> Span:
            owner = canvas.owners.get((x - canvas.margin, y))
            return character, Role.DIM if owner is None else CURVES[owner % len(CURVES)]

        return grouped(of(x, character) for x, character in enumerate(text))
