"""The row above the log: which file, which lines of it."""

from __future__ import annotations

from collections.abc import Sequence

from vconsole.engine.log.logline import LogLevel
from vconsole.tui.drawing import figures
from vconsole.tui.drawing.text import Line, Role, line, spread
from vconsole.tui.logs.selection import LogSelection
from vconsole.tui.widgets.canvas import Canvas
from vconsole.tui.widgets.log_view import LogView

LEVEL_WORDS = {
    None: "all levels",
    LogLevel.WARNING: "warnings and worse",
    LogLevel.ERROR: "errors",
}


class LogHead(Canvas):
    def rows(self, width: int, height: int) -> Sequence[Line]:
        logs = self.screen.query_one(LogView)
        if logs.selection is None:
            return (line((" No log yet.", Role.DIM)),)
        right = line(self._selected(logs.selection))
        path = str(logs.selection.file.path)
        return (spread(line((f" {path}", Role.DIM)), right, width),)

    def _selected(self, selection: LogSelection) -> Line:
        level = (LEVEL_WORDS[selection.level], Role.DIM if selection.level is None else Role.WARN)
        text = ((f"  /{selection.text}", Role.ACCENT),) if selection.text else ()
        share = min(selection.share_scanned, selection.file.share_indexed)
        searching = f"  reading {figures.percent(share)}" if share < 1 else ""
        return line("  ", level, text, (searching, Role.DIM), " ")
