"""What happened since an instant, and what to press about it; scrolled where it is long."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events

from vconsole.tui.actions import BY_ID, key_for
from vconsole.tui.drawing import figures
from vconsole.tui.drawing.text import Line, Role, line
from vconsole.tui.messages import ReportArrived
from vconsole.tui.rows.report_rows import report_rows
from vconsole.tui.widgets.panel import Panel

KEYS = ("server.again", "server.evidence", "server.start", "server.smoke", "away.events")
WHEEL_ROWS = 3


class ReportPanel(Panel, can_focus=True):
    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._told: ReportArrived | None = None
        self.top = 0

    def tell(self, told: ReportArrived | None) -> None:
        """Show this report from its first row."""
        self._told, self.top = told, 0
        self.redraw()

    def heading(self) -> tuple[Line, Line]:
        if self._told is None:
            return line(("What happened", Role.STRONG)), ()
        report = self._told.report
        title = "While you were away" if self._told.away else "The last day"
        since = report.since_at.astimezone().strftime("%a %H:%M")
        span = figures.span((report.until_at - report.since_at).total_seconds())
        note = line((f"since {since}", Role.TEXT), (f"   {span}", Role.DIM))
        return line((title, Role.STRONG)), note

    def body(self, width: int, height: int) -> Sequence[Line]:
        if self._told is None:
            return ()
        rows = report_rows(self._told.report, width, self.glyphs)
        room = height - 2
        self.top = min(self.top, max(0, len(rows) - room))
        shown = rows[self.top : self.top + room]
        shown += [()] * (room - len(shown))
        return [*shown, self._more(len(rows) - self.top - room), self._keys()]

    def _more(self, rows: int) -> Line:
        if rows <= 0:
            return ()
        return line((f"{self.glyphs.down} {figures.plural(rows, 'more row')}", Role.DIM))

    def _keys(self) -> Line:
        """What can be pressed now, in the words of the table."""
        view = self.view
        if view is None:
            return ()
        able = [BY_ID[each] for each in KEYS if BY_ID[each].reason(view) is None]
        items = [
            line((key_for(view, action.id), Role.KEY), (f" {action.label}   ", Role.DIM))
            for action in able
        ]
        back = line((key_for(view, "away.back"), Role.KEY), (" goes to the overview", Role.DIM))
        return line(*items, back)

    def scroll_rows(self, rows: int) -> None:
        self.top = max(0, self.top + rows)
        self.redraw()

    def on_key(self, event: events.Key) -> None:
        page = max(1, self.size.height - 4)
        moves = {"up": -1, "k": -1, "down": 1, "j": 1, "pageup": -page, "pagedown": page}
        if event.key in moves:
            self.scroll_rows(moves[event.key])
            event.stop()

    def on_mouse_scroll_up(self) -> None:
        self.scroll_rows(-WHEEL_ROWS)

    def on_mouse_scroll_down(self) -> None:
        self.scroll_rows(WHEEL_ROWS)
