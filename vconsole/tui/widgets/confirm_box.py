"""The box of a question: what it concerns, what happens, and the two keys."""

from __future__ import annotations

from collections.abc import Sequence

from vconsole.tui.drawing.text import Line, Role, line, wrap
from vconsole.tui.widgets.panel import Panel

BOX_WIDTH = 64


class ConfirmBox(Panel):
    """Paragraphs, then the two keys; `y` is another key than the one that led here."""

    def __init__(self, title: str, target: str, effects: Sequence[str], verb: str) -> None:
        super().__init__()
        self._title = title
        self._target = target
        self._effects = effects
        self.verb = verb

    def show_effects(self, effects: Sequence[str]) -> None:
        self._effects = effects
        self._fit()
        self.redraw()

    def heading(self) -> tuple[Line, Line]:
        return line((self._title, Role.WARN_STRONG)), ()

    def content(self, width: int) -> list[Line]:
        rows: list[Line] = [(), line((f" {self._target}", Role.STRONG)), ()]
        for effect in self._effects:
            rows += [line(f" {row}") for row in wrap(effect, width - 2)]
        return [*rows, (), self.keys(), ()]

    def keys(self) -> Line:
        return line(
            " ",
            (" Cancel ", Role.CHOSEN),
            ("  enter, esc", Role.DIM),
            "      ",
            ("y", Role.BAD_STRONG),
            (f"  {self.verb}", Role.TEXT),
        )

    def body(self, width: int, height: int) -> Sequence[Line]:
        return self.content(width)

    def on_mount(self) -> None:
        self._fit()

    def _fit(self) -> None:
        width = min(BOX_WIDTH, int(self.app.size.width * 0.96))
        self.styles.height = len(self.content(width - 4)) + 2
