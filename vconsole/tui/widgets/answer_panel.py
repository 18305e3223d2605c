"""One answer as it streams in, the reasoning set apart above it; scrolls, and stays at the end."""

from __future__ import annotations

import json
from collections.abc import Sequence

from textual import events

from vconsole.tui.drawing import figures
from vconsole.tui.drawing.text import Line, Role, line, wrap
from vconsole.tui.drawing.wrapping import GrowingText
from vconsole.tui.requests.exchange import Call, Column, Exchange
from vconsole.tui.view import Link, View
from vconsole.tui.widgets.panel import Panel

WHEEL_LINES = 3
QUESTION_ROWS = 3
# More of a question than fits into its rows on any screen is not looked at.
QUESTION_CHARACTERS = 2000


class AnswerPanel(Panel, can_focus=True):
    """Column `place` of an exchange; `folded` hides the reasoning and what tools are called with.

    `chosen` is whether keys and figures are about this one; `of` is how many there are.
    """

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.exchange: Exchange | None = None
        self.place = 0
        self.of = 1
        self.chosen = True
        self.folded = False
        self.above_end = 0
        self._rows_before = 0
        self._text = GrowingText(0)
        self._thoughts = GrowingText(0)

    @property
    def column(self) -> Column | None:
        return self.exchange.columns[self.place] if self.exchange else None

    @property
    def border(self) -> Role:
        return Role.ACCENT if self.has_focus or (self.chosen and self.of > 1) else Role.LINE

    def show_column(self, exchange: Exchange | None, place: int) -> None:
        """Another answer begins at its end; the same one keeps its place."""
        known = self.exchange.id if self.exchange else None
        if known != (exchange.id if exchange else None) or place != self.place:
            self.above_end = self._rows_before = 0
            self._text, self._thoughts = GrowingText(0), GrowingText(0)
        self.exchange, self.place = exchange, place
        self.redraw()

    def heading(self) -> tuple[Line, Line]:
        if self.exchange is None or self.column is None:
            return line(("Answer", Role.STRONG)), ()
        title = line(("Answer", Role.STRONG), (f"  {self.exchange.number}", Role.DIM))
        if self.of > 1:
            role = Role.STRONG if self.chosen else Role.TEXT
            title = line((f"{self.place + 1} of {self.of}", role), (f"  {self._whose()}", Role.DIM))
        if self.above_end:
            return title, line((f"{self.glyphs.down} more", Role.ACCENT))
        return title, self._state(self.column) if self.of > 1 else ()

    def _whose(self) -> str:
        exchange, column = self.exchange, self.column
        if exchange is None or column is None:
            return ""
        several = len({one.server for one in exchange.columns}) > 1
        return column.server if several else ""

    def _state(self, column: Column) -> Line:
        if column.running:
            return line((self.glyphs.half, Role.WARN))
        if column.stopped or column.end is None or column.end.error is not None:
            return line((self.glyphs.cross, Role.WARN if column.stopped else Role.BAD))
        rate = figures.rate(column.end.tokens_per_s)
        return line((f"{rate} tok/s ", Role.DIM), (self.glyphs.tick, Role.GOOD))

    def body(self, width: int, height: int) -> Sequence[Line]:
        rows = self._content(width)
        if self.above_end:
            self.above_end += len(rows) - self._rows_before
        self._rows_before = len(rows)
        self.above_end = min(max(0, self.above_end), max(0, len(rows) - height))
        end = len(rows) - self.above_end
        return rows[max(0, end - height) : end] if len(rows) > height else rows

    def _content(self, width: int) -> list[Line]:
        exchange, column = self.exchange, self.column
        if exchange is None or column is None:
            return self._invitation(width)
        rows = [*self._question(exchange, width), *self._reasoning(column, width)]
        if column.note:
            noted = wrap(f"{self.glyphs.warning} {column.note}", width)
            rows += [*(line((row, Role.WARN)) for row in noted), ()]
        if column.text:
            self._text = self._of_width(self._text, width)
            rows += [line(row) for row in self._text.rows(column.text)]
        elif column.running and not column.reasoning and not column.calls:
            rows.append(line(("waiting for the first token", Role.DIM)))
        for call in column.calls:
            rows += self._call(call, width)
        if column.end and column.end.error:
            rows += self._error(column.end.error.message, column.end.error.remedy, width)
        elif not column.running and not column.text and not column.calls:
            rows.append(line((self._empty(column), Role.WARN)))
        return rows

    def _of_width(self, text: GrowingText, width: int) -> GrowingText:
        return text if text.width == max(2, width) else GrowingText(width)

    def _question(self, exchange: Exchange, width: int) -> list[Line]:
        asked = exchange.request.prompt
        rows = GrowingText(width - 2).rows(asked[:QUESTION_CHARACTERS])
        shown = [line("  ", (row, Role.STRONG)) for row in rows[:QUESTION_ROWS]]
        shown[0] = line((f"{self.glyphs.arrow} ", Role.ACCENT), (rows[0], Role.STRONG))
        if len(rows) > QUESTION_ROWS or len(asked) > QUESTION_CHARACTERS:
            length = f"  {self.glyphs.ellipsis} {len(asked):,} characters in all"
            shown.append(line((length, Role.DIM)))
        if exchange.request.turns:
            earlier = figures.plural(len(exchange.request.turns), "earlier message")
            shown.append(line((f"  after {earlier}", Role.DIM)))
        return [*shown, ()]

    def _reasoning(self, column: Column, width: int) -> list[Line]:
        if not column.reasoning:
            return []
        side = (f"{self.glyphs.vertical} ", Role.SECOND)
        self._thoughts = self._of_width(self._thoughts, width - 2)
        rows = self._thoughts.rows(column.reasoning.strip("\n"))
        if self.folded:
            size = figures.plural(len(rows), "line")
            return [line(side, ("reasoning", Role.SECOND), (f"  {size}", Role.DIM)), ()]
        head = line(side, ("reasoning", Role.SECOND))
        return [head, *(line(side, (row, Role.DIM)) for row in rows), ()]

    def _call(self, call: Call, width: int) -> list[Line]:
        side = (f"{self.glyphs.vertical} ", Role.ACCENT)
        head = line(side, ("calls ", Role.ACCENT), (call.name or figures.UNKNOWN, Role.STRONG))
        if self.folded:
            return [head]
        rows = GrowingText(width - 2).rows(_indented(call.arguments))
        return [head, *(line(side, (row, Role.TEXT)) for row in rows)]

    def _empty(self, column: Column) -> str:
        if column.stopped:
            return "stopped before there was an answer"
        if column.reasoning:
            return "all tokens went into reasoning: allow more of them"
        return "the answer is empty"

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
        far = self._rows_before
        moves = {"up": -1, "k": -1, "down": 1, "j": 1, "pageup": -page, "pagedown": page}
        moves |= {"home": -far, "end": far}
        if event.key in moves:
            self.scroll_rows(moves[event.key])
            event.stop()

    def on_mouse_scroll_up(self) -> None:
        self.scroll_rows(-WHEEL_LINES)

    def on_mouse_scroll_down(self) -> None:
        self.scroll_rows(WHEEL_LINES)


def _indented(arguments: str) -> str:
    """The JSON set out in lines where it is whole, else as it came."""
    try:
        return json.dumps(json.loads(arguments), indent=2, ensure_ascii=False)
    except ValueError:
        return arguments


def _why_not(view: View) -> str:
    if view.link is not Link.LIVE:
        return "The supervisor does not answer, so nothing can be asked. Press esc, then c."
    if view.server and view.server.eta_s is not None:
        return f"The server is starting: about {figures.about(view.server.eta_s)} left."
    if view.state == "starting":
        return "The server is starting."
    return "No server runs, so there is no terminal to ask at. Press esc, then s to start one."
