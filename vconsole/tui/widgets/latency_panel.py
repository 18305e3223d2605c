"""How long users waited in the last minute: to the first token, between tokens, to the end."""

from __future__ import annotations

from collections.abc import Sequence

from vconsole.engine.metrics import Metrics, Quantiles
from vconsole.tui import figures
from vconsole.tui.text import Line, Role, line
from vconsole.tui.widgets.panel import Panel

MEAN_FROM = 42
MEANING_FROM = 62
MEANINGS = ("to the first token", "between two tokens", "to the end")


class LatencyPanel(Panel, can_focus=True):
    def heading(self) -> tuple[Line, Line]:
        return line(("Latency", Role.STRONG)), line(("1 min", Role.DIM))

    def body(self, width: int, height: int) -> Sequence[Line]:
        metrics = (
            self.view.status.metrics if self.view and self.view.status else None
        ) or Metrics()
        names = ["p50", "p95", "p99"] + (["mean"] if width >= MEAN_FROM else [])
        cell = 9 if width < MEANING_FROM else 10
        rows = [line((" " * 5 + "".join(f"{name:>{cell}}" for name in names), Role.DIM))]
        table = (("TTFT", metrics.ttft_ms), ("ITL", metrics.itl_ms), ("E2E", metrics.e2e_ms))
        for (label, quantiles), meaning in zip(table, MEANINGS, strict=True):
            note = f"   {meaning}" if width >= MEANING_FROM else ""
            rows.append(line(self._row(label, quantiles, names, cell), (note, Role.FAINT)))
        return rows

    def _row(self, label: str, quantiles: Quantiles, names: list[str], cell: int) -> Line:
        values = [getattr(quantiles, name) for name in names]
        figures_ = [
            (f"{figures.latency(value):>{cell}}", Role.TEXT if i else Role.STRONG)
            for i, value in enumerate(values)
        ]
        return line((f"{label:<5}", Role.DIM), *figures_)
