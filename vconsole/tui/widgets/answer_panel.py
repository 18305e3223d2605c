"""The answer as it streams in, the reasoning set apart above it; scrolls, and stays at the end."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from textual import events

from vconsole.tui import figures
from vconsole.tui.exchange import Exchange
from vconsole.tui.text import Line, Role, line, wrap
from vconsole.tui.view import Link, View
from vconsole.tui.widgets.panel import Panel

WHEEL_LINES = 3
wrap_cached = lru_cache(maxsize=256)(lambda text, width: tuple(wrap(text, width)))


class AnswerPanel(Panel, can_focus=True):
    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.exchange: Exchange | None = None
        self.above_end = 0

    def show_exchange(self, exchange: Exchange | None) -> None:
        """Another request's answer begins at its end; the same one keeps its place."""
        same = self.exchange and exchange and self.exchange.number == exchange.number
        self.above_end = self.above_end if same else 0
        self.exchange = exchange
        self.redraw()

    def heading(self) -> tuple[Line, Line]:
        if self.exchange is None:
            return line(("Answer", Role.STRONG)), ()
        note = line((f"{self.glyphs.down} more", Role.ACCENT)) if self.above_end else ()
        return line(("Answer", Role.STRONG), (f"  {self.exchange.number}", Role.DIM)), note

    def body(self, width: int, height: int) -> Sequence[Line]:
        rows = self._content(width)
        self.above_end = min(self.above_end, max(0, len(rows) - height))
        end = len(rows) - self.above_end
        return rows[max(0, end - height) : end] if len(rows) > height else rows

    def _content(self, width: int) -> list[Line]:
        exchange = self.exchange
        if exchange is None:
            return self._invitation(width)
        rows = [*self._question(exchange, width), *self._thoughts(exchange, width)]
        if exchange.text:
            shown = [row for part in exchange.text.split("\n") for row in wrap_cached(part, width)]
            rows += [line(row) for row in shown]
        elif exchange.running and not exchange.reasoning:
            rows.append(line(("waiting for the first token", Role.DIM)))
        if exchange.end and exchange.end.error:
            rows += self._error(exchange.end.error.message, exchange.end.error.remedy, width)
        return rows

    def _question(self, exchange: Exchange, width: int) -> list[Line]:
        first, *others = wrap(exchange.request.prompt, width - 2)
        lead = (f"{self.glyphs.arrow} ", Role.ACCENT)
        rest = [line("  ", (row, Role.STRONG)) for row in others]
        return [line(lead, (first, Role.STRONG)), *rest, ()]

    def _thoughts(self, exchange: Exchange, width: int) -> list[Line]:
        if not exchange.reasoning:
            return []
        side = (f"{self.glyphs.vertical} ", Role.SECOND)
        parts = exchange.reasoning.strip("\n").split("\n")
        rows = [row for part in parts for row in wrap_cached(part, width - 2)]
        head = line(side, ("reasoning", Role.SECOND))
        return [head, *(line(side, (row, Role.DIM)) for row in rows), ()]

    def _error(self, message: str, remedy: str | None, width: int) -> list[Line]:
        rows = wrap(f"{self.glyphs.cross} {message}", width)
        shown = [line((row, Role.BAD)) for row in rows]
        return shown + [line((row, Role.DIM)) for row in wrap(remedy or "", width)]

    def _invitation(self, width: int) -> list[Line]:
        view = self.view
        if view is None or view.serving:
            text = "Write above and press Enter. The answer comes in here, as the model writes it."
            return [line((row, Role.DIM)) for row in wrap(text, width)]
        return [line((row, Role.DIM)) for row in wrap(_why_not(view), width)]

    def scroll_rows(self, rows: int) -> None:
        self.above_end = max(0, self.above_end - rows)
        self.redraw()

    def on_key(self, event: events.Key) -> None:
        page = max(1, self.size.height - 3)
        moves = {"up": -1, "k": -1, "down": 1, "j": 1, "pageup": -page, "pagedown": page}
        if event.key in moves:
            self.scroll_rows(moves[event.key])
            event.stop()

    def on_mouse_scroll_up(self) -> None:
        self.scroll_rows(-WHEEL_LINES)

    def on_mouse_scroll_down(self) -> None:
        self.scroll_rows(WHEEL_LINES)


def _why_not(view: View) -> str:
    if view.link is not Link.LIVE:
        return "The supervisor does not answer, so nothing can be asked. Press esc, then c."
    if view.server and view.server.eta_s is not None:
        return f"The server is starting: about {figures.about(view.server.eta_s)} left."
    if view.state == "starting":
        return "The server is starting."
    return "No server runs, so there is nobody to ask. Press esc, then s to start one."
