"""One result of a batch with all of its text, reasoning set apart."""

from __future__ import annotations

from collections.abc import Sequence

from vconsole.requests.batch.latest import Result
from vconsole.requests.safe_text import safe
from vconsole.tui.background.batching import JobsLook
from vconsole.tui.drawing import figures
from vconsole.tui.drawing.text import Line, Role, line, wrap
from vconsole.tui.widgets.panel import Panel
from vconsole.tui.widgets.results_panel import mark_of


class ResultView(Panel):
    """`place` is a position among the results, the newest being the first."""

    def __init__(self, look: JobsLook) -> None:
        super().__init__()
        self._results = look.results
        self._failures = look.failures
        self.place = 0
        self.above = 0

    @property
    def result(self) -> Result | None:
        return self._results[self.place] if self._results else None

    def step(self, step: int) -> None:
        self.place = max(0, min(self.place + step, len(self._results) - 1))
        self.above = 0
        self.redraw()

    def scroll_rows(self, rows: int) -> None:
        self.above = max(0, self.above + rows)
        self.redraw()

    def heading(self) -> tuple[Line, Line]:
        kind = "failures" if self._failures else "answers"
        title = line((f"Latest {kind}", Role.STRONG))
        return title, line((f"{self.place + 1} of {len(self._results)}, newest first", Role.DIM))

    def body(self, width: int, height: int) -> Sequence[Line]:
        result = self.result
        if result is None:
            return [line(("None yet.", Role.DIM)), (), line(("esc", Role.KEY), " closes")]
        rows = self._content(result, width)
        room = max(1, height - 2)
        self.above = max(0, min(self.above, len(rows) - room))
        shown = rows[self.above : self.above + room]
        return [*shown, *[()] * (room - len(shown)), (), self._keys(len(rows) > room)]

    def _content(self, result: Result, width: int) -> list[Line]:
        word, role = mark_of(result)
        where = f"  input line {result.line:,}" if result.line else ""
        tokens = f"  {figures.plural(result.tokens, 'token')}" if result.tokens else ""
        head = line((safe(result.custom_id), Role.STRONG), "  ", (word, role))
        rows = [line(head, (f"{tokens}{where}", Role.DIM)), ()]
        if result.reasoning:
            rows.append(line(("reasoning", Role.SECOND)))
            rows += [line((row, Role.DIM)) for row in wrap(safe(result.reasoning), width)] + [()]
        text = safe(result.text).strip()
        return rows + ([line(row) for row in wrap(text, width)] if text else _empty())

    def _keys(self, more: bool) -> Line:
        scrolling = line(("up down", Role.KEY), (" scroll  ", Role.DIM)) if more else ()
        return line(
            ("left right", Role.KEY),
            (" newer, older  ", Role.DIM),
            scrolling,
            *(line((key, Role.KEY), (words, Role.DIM)) for key, words in KEYS),
        )


KEYS = (("y", " copy  "), ("esc", " close"))


def _empty() -> list[Line]:
    return [line(("the answer is empty", Role.WARN))]
