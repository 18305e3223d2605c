"""Tokens and requests per second, with ten minutes of history."""

from __future__ import annotations

from collections.abc import Sequence

from vconsole.tui import figures
from vconsole.tui.text import Line, Role, line
from vconsole.tui.widgets.series_panel import Series, SeriesPanel


class ThroughputPanel(SeriesPanel):
    label_cells = 23

    def heading(self) -> tuple[Line, Line]:
        return line(("Throughput", Role.STRONG)), line((figures.window(self.window_s), Role.DIM))

    def series(self) -> Sequence[Series]:
        metrics = self.view.status.metrics if self.view and self.view.status else None
        generate = metrics.generation_tokens_per_s if metrics else None
        prompt = metrics.prompt_tokens_per_s if metrics else None
        requests = metrics.requests_per_s if metrics else None
        return (
            Series(
                "generation_tokens_per_s", "generate", _figure(figures.count(generate), "tok/s"), 10
            ),
            Series("prompt_tokens_per_s", "prompt  ", _figure(figures.count(prompt), "tok/s"), 10),
            Series("requests_per_s", "requests", _figure(figures.rate(requests), "/s"), 1),
        )

    def footing(self) -> Sequence[Line]:
        if self.view is None:
            return ()
        peak = self.view.history.peak("generation_tokens_per_s", self.window_s, self.view.now)
        return (line(("peak     ", Role.DIM), _figure(figures.count(peak), "tok/s generated")),)


def _figure(text: str, unit: str) -> Line:
    return line((f"{text:>6}", Role.STRONG), (f" {unit}", Role.DIM))
