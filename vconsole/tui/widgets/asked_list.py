"""What was asked, newest first, as far as it holds the words that are searched for."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events

from vconsole.tui.drawing import figures
from vconsole.tui.drawing.text import Line, Role, fit, line, spread
from vconsole.tui.requests.exchange import Exchange
from vconsole.tui.widgets.asked_panel import one_line, took
from vconsole.tui.widgets.canvas import Canvas

DAY_CELLS = 13


class AskedList(Canvas):
    def __init__(self, exchanges: Sequence[Exchange]) -> None:
        super().__init__()
        self._all = [(_searched(exchange), exchange) for exchange in reversed(exchanges)]
        self._found = [exchange for _, exchange in self._all]
        self._chosen = 0

    @property
    def chosen_id(self) -> str | None:
        return self._found[self._chosen].id if self._found else None

    def search(self, text: str) -> None:
        """Keep those in which every word occurs."""
        words = text.casefold().split()
        self._found = [
            exchange for searched, exchange in self._all if all(word in searched for word in words)
        ]
        self._chosen = 0
        self.redraw()

    def move(self, step: int) -> None:
        self._chosen = min(max(0, self._chosen + step), max(0, len(self._found) - 1))
        self.redraw()

    def rows(self, width: int, height: int) -> Sequence[Line]:
        if not self._found:
            words = "Nothing like that was asked." if self._all else "Nothing was asked yet."
            return (line((words, Role.DIM)),)
        top = max(0, self._chosen - (height - 1))
        shown = list(enumerate(self._found))[top : top + height]
        return [self._row(place, exchange, width) for place, exchange in shown]

    def _row(self, place: int, exchange: Exchange, width: int) -> Line:
        here = place == self._chosen
        at = exchange.at.astimezone()
        lead = line(
            (f"{self.glyphs.arrow if here else ' '} ", Role.ACCENT),
            fit(line((f"{at:%d %b} {figures.clock(at)}", Role.DIM)), DAY_CELLS),
            (one_line(exchange), Role.STRONG if here else Role.TEXT),
        )
        return spread(lead, line((f"  {exchange.model or ''} {took(exchange)}", Role.DIM)), width)

    def on_mouse_scroll_up(self) -> None:
        self.move(-3)

    def on_mouse_scroll_down(self) -> None:
        self.move(3)

    def on_click(self, event: events.Click) -> None:
        top = max(0, self._chosen - (self.size.height - 1))
        self.move(top + event.y - self._chosen)


def _searched(exchange: Exchange) -> str:
    texts = (column.text for column in exchange.columns)
    return "\n".join((exchange.request.prompt, exchange.model or "", *texts)).casefold()
