"""The band above the first panel, for what cannot wait; empty most of the time."""

from __future__ import annotations

from collections.abc import Sequence

from vconsole.tui.drawing.text import Line
from vconsole.tui.rows.urgent import urgent
from vconsole.tui.widgets.canvas import Canvas

MOST_ROWS = 2
MANY_ROWS_FROM = 26


class Band(Canvas):
    def wanted_height(self) -> int:
        """At most two rows, one where the terminal is low."""
        if self.view is None:
            return 0
        most = MOST_ROWS if self.app.size.height >= MANY_ROWS_FROM else 1
        return min(most, len(urgent(self.view, self.glyphs)))

    def rows(self, width: int, height: int) -> Sequence[Line]:
        return urgent(self.view, self.glyphs) if self.view else ()
