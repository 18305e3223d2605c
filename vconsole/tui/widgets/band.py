"""The band above the first panel, for what cannot wait; empty most of the time."""

from __future__ import annotations

from collections.abc import Sequence

from vconsole.tui import figures
from vconsole.tui.text import Line, Role, line
from vconsole.tui.widgets.canvas import Canvas


class Band(Canvas):
    def rows(self, width: int, height: int) -> Sequence[Line]:
        view = self.view
        if view is None or view.stale_s is None:
            return ()
        since = f" {self.glyphs.warning} No supervisor for {figures.age(view.stale_s)}"
        return (
            line(
                (since, Role.WARN_STRONG),
                (": all this is its last word.  ", Role.TEXT),
                ("c", Role.KEY),
                (" brings it back", Role.DIM),
            ),
        )
