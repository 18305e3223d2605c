"""The last lines of the log, as many as fit."""

from __future__ import annotations

from collections.abc import Sequence

from vconsole.tui.drawing.looks import log_line
from vconsole.tui.drawing.text import Line, Role, line
from vconsole.tui.widgets.panel import Panel


class LogTail(Panel, can_focus=True):
    def heading(self) -> tuple[Line, Line]:
        return line(("Log", Role.STRONG)), line(("6", Role.KEY), (" all of it", Role.DIM))

    def body(self, width: int, height: int) -> Sequence[Line]:
        if self.view is None or not self.view.log_tail:
            ran = self.view is not None and self.view.server and self.view.server.started_at
            words = "Nothing but answered requests lately." if ran else "No log yet."
            return (line((words, Role.DIM)),)
        return [log_line(entry, width, self.glyphs) for entry in self.view.log_tail[-height:]]
