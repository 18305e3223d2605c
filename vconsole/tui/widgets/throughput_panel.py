"""Tokens and requests per second, with ten minutes of history."""

from __future__ import annotations

from collections.abc import Sequence

from vconsole.engine.metrics.figures import Metrics
from vconsole.settings import PriceSettings
from vconsole.tui.drawing import figures
from vconsole.tui.drawing.text import Line, Role, Span, line
from vconsole.tui.rows.token_cost import million_tokens_cost
from vconsole.tui.widgets.series_panel import Series, SeriesPanel

WITH_ROOM = 60


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
        metrics = self.view.status.metrics if self.view.status else None
        prices = self.console_app.prices
        more = _more(metrics, prices) if metrics and self.size.width >= WITH_ROOM else ()
        peak_figure = _figure(figures.count(peak), "tok/s" if more else "tok/s generated")
        return (line(("peak     ", Role.DIM), peak_figure, *more),)


def _more(metrics: Metrics, prices: PriceSettings) -> list[Span]:
    """How many requests share a step, what a joule gives, what tokens cost, where that is known."""
    spans: list[Span] = []
    if metrics.batch_size is not None:
        spans += [("   batch ", Role.DIM), (figures.rate(metrics.batch_size), Role.TEXT)]
    if metrics.tokens_per_joule is not None:
        joule = f"{metrics.tokens_per_joule:.2f}"
        spans += [("   ", Role.DIM), (joule, Role.TEXT), (" tok/J", Role.DIM)]
    if (cost := million_tokens_cost(metrics, prices)) is not None:
        amount = figures.money(cost, prices.currency)
        spans += [("   ", Role.DIM), (amount, Role.TEXT), ("/Mtok", Role.DIM)]
    return spans


def _figure(text: str, unit: str) -> Line:
    return line((f"{text:>6}", Role.STRONG), (f" {unit}", Role.DIM))
