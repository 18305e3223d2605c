"""The row under the log: where one is in it, and what came meanwhile."""

from __future__ import annotations

from collections.abc import Sequence

from vconsole.tui.drawing import figures
from vconsole.tui.drawing.text import Line, Role, line, spread
from vconsole.tui.widgets.canvas import Canvas
from vconsole.tui.widgets.log_view import LogView


class LogFoot(Canvas):
    def rows(self, width: int, height: int) -> Sequence[Line]:
        logs = self.screen.query_one(LogView)
        if logs.selection is None or logs.file is None:
            return ()
        if not len(logs.file):
            return (spread((), self._mode(logs), width),)
        total = figures.count(len(logs.file))
        where = f" line {figures.count((logs.marked_number() or 0) + 1)} of {total}"
        if not logs.selection.whole:
            where = f" {figures.plural(logs.count, 'line')} of {total}"
        return (spread(line((where, Role.DIM)), self._mode(logs), width),)

    def _mode(self, logs: LogView) -> Line:
        if logs.following:
            return line((f"{self.glyphs.down} following ", Role.GOOD))
        if logs.unseen:
            new = f"{self.glyphs.down} {figures.plural(logs.unseen, 'new line')}"
            return line((new, Role.ACCENT), ("  f ", Role.KEY), ("follow ", Role.DIM))
        return line(("held  ", Role.DIM), ("f ", Role.KEY), ("follow ", Role.DIM))
