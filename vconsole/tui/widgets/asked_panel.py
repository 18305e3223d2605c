"""What was asked, newest last; the one on show is marked."""

from __future__ import annotations

from collections.abc import Sequence

from vconsole.tui.drawing import figures
from vconsole.tui.drawing.text import Line, Role, line, spread
from vconsole.tui.requests.exchange import Exchange
from vconsole.tui.widgets.panel import Panel

PROMPT_CHARACTERS = 200


class AskedPanel(Panel):
    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.exchanges: Sequence[Exchange] = ()
        self.shown: int | None = None

    def show_exchanges(self, exchanges: Sequence[Exchange], shown: int | None) -> None:
        self.exchanges, self.shown = exchanges, shown
        self.redraw()

    def heading(self) -> tuple[Line, Line]:
        note = line(("[ ]", Role.KEY), (" older  ", Role.DIM), ("/", Role.KEY), (" find", Role.DIM))
        return line(("Asked", Role.STRONG)), note

    def body(self, width: int, height: int) -> Sequence[Line]:
        if not self.exchanges:
            return (line(("Nothing yet.", Role.DIM)),)
        last = max(self.shown or len(self.exchanges), height)
        return [self._row(exchange, width) for exchange in self.exchanges[:last][-height:]]

    def _row(self, exchange: Exchange, width: int) -> Line:
        here = exchange.number == self.shown
        lead = (f"{self.glyphs.arrow} " if here else "  ", Role.ACCENT)
        return spread(
            line(lead, (one_line(exchange), Role.STRONG if here else Role.TEXT)),
            line((f" {took(exchange)}", Role.DIM)),
            width,
        )


def one_line(exchange: Exchange) -> str:
    return " ".join(exchange.request.prompt[:PROMPT_CHARACTERS].split())


def took(exchange: Exchange) -> str:
    """How long until the first token, or how many answers there are."""
    if len(exchange.columns) > 1:
        return f"×{len(exchange.columns)}"
    end = exchange.first.end
    return figures.latency(end.ttft_ms) if end and end.ttft_ms is not None else ""
