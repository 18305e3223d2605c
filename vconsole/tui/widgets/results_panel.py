"""The latest results of a batch, newest first, read from the tail of its file."""

from __future__ import annotations

from collections.abc import Sequence

from vconsole.requests.batch.latest import Result
from vconsole.requests.safe_text import safe
from vconsole.tui.actions import key_for
from vconsole.tui.background.batching import JobsLook
from vconsole.tui.drawing.text import Line, Role, fit, line, wrap
from vconsole.tui.widgets.panel import Panel

ID_CELLS, MARK_CELLS = 12, 8
LONGEST_SHOWN = 2000
ROOMY_ROWS, ROWS_OF_TEXT = 16, 3


class ResultsPanel(Panel):
    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.look = JobsLook()

    def show_look(self, look: JobsLook) -> None:
        self.look = look
        self.redraw()

    def heading(self) -> tuple[Line, Line]:
        title = "Latest failures" if self.look.failures else "Latest answers"
        other = "answers" if self.look.failures else "failures"
        view = self.view
        keys = [(key_for(view, "batch.results"), " in full  ")] if view else []
        keys += [(key_for(view, "batch.failures"), f" {other}")] if view else []
        note = line(*(line((key, Role.KEY), (words, Role.DIM)) for key, words in keys))
        return line((title, Role.STRONG)), note if self.look.jobs else ()

    def body(self, width: int, height: int) -> Sequence[Line]:
        if self.look.unread:
            return [line((self.look.unread, Role.WARN))]
        if not self.look.results:
            return [line(("None yet.", Role.DIM))] if self.look.jobs else []
        if height < ROOMY_ROWS:
            return [self._row(result, width) for result in self.look.results[:height]]
        return [row for result in self.look.results for row in self._rows(result, width)][:height]

    def _rows(self, result: Result, width: int) -> list[Line]:
        """With more of the text below it, where there is room."""
        room = width - ID_CELLS - MARK_CELLS - 2
        rows = wrap(_one_line(result.text), room)
        head = self._head(result, rows[0])
        return [head, *(line(" " * (width - room), row) for row in rows[1:ROWS_OF_TEXT])]

    def _row(self, result: Result, width: int) -> Line:
        return self._head(result, _one_line(result.text))

    def _head(self, result: Result, text: str) -> Line:
        name = fit(line((safe(result.custom_id), Role.DIM)), ID_CELLS, self.glyphs.ellipsis)
        word, role = mark_of(result)
        shown = line(text) if text else line(("(empty)", Role.DIM))
        return line(name, " ", (f"{word:<{MARK_CELLS}}"[:MARK_CELLS], role), " ", shown)


def _one_line(text: str) -> str:
    return " ".join(safe(text[:LONGEST_SHOWN]).split())


def mark_of(result: Result) -> tuple[str, Role]:
    """How it ended, in a word."""
    if result.code is not None:
        return result.code, Role.BAD
    if result.finish_reason == "length":
        return "cut off", Role.WARN
    if not result.text.strip():
        return "empty", Role.WARN
    return result.finish_reason or "", Role.GOOD
