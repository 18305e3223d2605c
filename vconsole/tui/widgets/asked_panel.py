"""The requests of this session, newest last; the one on show is marked."""

from __future__ import annotations

from collections.abc import Sequence

from vconsole.tui import figures
from vconsole.tui.exchange import Exchange
from vconsole.tui.text import Line, Role, line, spread
from vconsole.tui.widgets.panel import Panel


class AskedPanel(Panel):
    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.exchanges: list[Exchange] = []
        self.shown: int | None = None

    def show_exchanges(self, exchanges: list[Exchange], shown: int | None) -> None:
        self.exchanges, self.shown = exchanges, shown
        self.redraw()

    def heading(self) -> tuple[Line, Line]:
        return line(("Asked", Role.STRONG)), line(("[ ]", Role.KEY), (" older, newer", Role.DIM))

    def body(self, width: int, height: int) -> Sequence[Line]:
        if not self.exchanges:
            return (line(("Nothing yet in this session.", Role.DIM)),)
        return [self._row(exchange, width) for exchange in self.exchanges[-height:]]

    def _row(self, exchange: Exchange, width: int) -> Line:
        here = exchange.number == self.shown
        lead = (f"{self.glyphs.arrow} " if here else "  ", Role.ACCENT)
        prompt = " ".join(exchange.request.prompt.split())
        ttft = figures.latency(exchange.end.ttft_ms) if exchange.end else ""
        role = Role.STRONG if here else Role.TEXT
        return spread(line(lead, (prompt, role)), line((f" {ttft}", Role.DIM)), width)
