"""All that is known of a bench on one page, as `vconsole bench show` prints it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from vconsole.errors import VConsoleError
from vconsole.requests.bench import page
from vconsole.requests.bench.kept import Bench
from vconsole.settings import PriceSettings
from vconsole.tui.drawing.glyphs import ASCII
from vconsole.tui.drawing.text import Line, Role, line
from vconsole.tui.widgets.panel import Panel

KEYS = (("arrows", " move  "), ("y", " copy  "), ("esc", " close"))


class BenchView(Panel):
    """Rows that are wider or more than fit are reached by moving."""

    def __init__(self, bench: Bench, prices: PriceSettings) -> None:
        super().__init__()
        self.bench, self._prices = bench, prices
        self.above = self.left = 0

    def text(self, width: int) -> list[str]:
        ascii_only = self.glyphs is ASCII
        return page.lines(self.bench, self._prices, width, ascii_only=ascii_only)

    def move(self, rows: int, columns: int) -> None:
        self.above, self.left = max(0, self.above + rows), max(0, self.left + columns)
        self.redraw()

    def heading(self) -> tuple[Line, Line]:
        keys = line(*(line((key, Role.KEY), (words, Role.DIM)) for key, words in KEYS))
        return line((f"Bench {self.bench.id}", Role.STRONG)), keys

    def body(self, width: int, height: int) -> Sequence[Line]:
        rows = self.text(width)
        self.above = max(0, min(self.above, len(rows) - height))
        self.left = max(0, min(self.left, max(map(len, rows)) - width))
        shown = rows[self.above : self.above + height]
        return [line(row[self.left : self.left + width]) for row in shown]


class BenchPageScreen(ModalScreen[None]):
    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "close", show=False),
        Binding("up,k", "move(-1, 0)", show=False),
        Binding("down,j", "move(1, 0)", show=False),
        Binding("left", "move(0, -8)", show=False),
        Binding("right", "move(0, 8)", show=False),
        Binding("pageup", "move(-10, 0)", show=False),
        Binding("pagedown,space", "move(10, 0)", show=False),
        Binding("y", "copy", show=False),
    ]

    def __init__(self, bench: Bench, prices: PriceSettings) -> None:
        super().__init__()
        self._view = BenchView(bench, prices)

    def compose(self) -> ComposeResult:
        yield self._view

    def action_move(self, rows: int, columns: int) -> None:
        self._view.move(rows, columns)

    def action_copy(self) -> None:
        text = "\n".join(self._view.text(100))
        try:
            self._view.console_app.copy(text, "bench")
        except VConsoleError as error:
            self.notify(f"{error.message}\n{error.remedy or ''}", severity="error", markup=False)

    def action_close(self) -> None:
        self.dismiss(None)
