"""What a terminal too small for the console gets to read."""

from __future__ import annotations

from collections.abc import Sequence

from vconsole.tui.drawing.looks import look_of
from vconsole.tui.drawing.text import Line, Role, line, wrapped
from vconsole.tui.widgets.canvas import Canvas

SMALLEST_WIDTH = 60
SMALLEST_HEIGHT = 16


class TooSmall(Canvas):
    def rows(self, width: int, height: int) -> Sequence[Line]:
        if self.view is None:
            return ()
        look = look_of(self.view)
        size = self.app.size
        needs = (
            f"vconsole needs {SMALLEST_WIDTH} x {SMALLEST_HEIGHT} cells,"
            f" this terminal has {size.width} x {size.height}."
        )
        return [
            line(
                (f"{look.symbol(self.glyphs)} {look.word}", look.role), f"  {self.view.model or ''}"
            ),
            *wrapped(needs, width),
            *wrapped("q leaves; the server keeps running.", width, Role.DIM),
        ]
