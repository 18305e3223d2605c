"""The answers to one request side by side, or the chosen one where they would be too narrow."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal

from vconsole.tui.requests.exchange import MOST_COLUMNS, Exchange
from vconsole.tui.widgets.answer_panel import AnswerPanel

NARROWEST = 36


class AnswerColumns(Horizontal):
    """`chosen` is the column that keys and figures are about."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.exchange: Exchange | None = None
        self.chosen = 0
        self._panels = [AnswerPanel() for _ in range(MOST_COLUMNS)]

    def compose(self) -> ComposeResult:
        yield from self._panels

    def on_mount(self) -> None:
        self._lay_out()

    def on_resize(self, event: events.Resize) -> None:
        self._lay_out()

    def show_exchange(self, exchange: Exchange | None) -> None:
        known = self.exchange.id if self.exchange else None
        if known != (exchange.id if exchange else None):
            self.chosen = 0
        self.exchange = exchange
        self._lay_out()

    def choose_next(self, step: int) -> None:
        if self.exchange is not None:
            self.chosen = (self.chosen + step) % len(self.exchange.columns)
            focused = any(panel.has_focus for panel in self._panels)
            self._lay_out()
            if focused:
                self.take_keys()

    def fold(self) -> None:
        """Hide the reasoning and the calls' arguments of all of them, or show them again."""
        for panel in self._panels:
            panel.folded = not panel.folded
            panel.redraw()

    def take_keys(self) -> None:
        self._panels[self.chosen].focus()

    @property
    def has_keys(self) -> bool:
        return any(panel.has_focus for panel in self._panels)

    def _lay_out(self) -> None:
        count = len(self.exchange.columns) if self.exchange else 1
        self.chosen = min(self.chosen, count - 1)
        beside = count <= max(1, self.size.width // NARROWEST)
        for place, panel in enumerate(self._panels):
            panel.display = place < count and (beside or place == self.chosen)
            panel.of, panel.chosen = count, place == self.chosen
            if panel.display:
                panel.show_column(self.exchange, place)

    def on_click(self, event: events.Click) -> None:
        for place, panel in enumerate(self._panels):
            if panel.display and panel.region.contains(event.screen_x, event.screen_y):
                self.choose_next(place - self.chosen)
