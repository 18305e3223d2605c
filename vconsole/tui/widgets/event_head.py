"""The row above the events: how many there are, and which of them are shown."""

from __future__ import annotations

from collections.abc import Sequence

from vconsole.supervisor.telling.event import Severity
from vconsole.tui.drawing import figures
from vconsole.tui.drawing.text import Line, Role, line, spread
from vconsole.tui.widgets.canvas import Canvas
from vconsole.tui.widgets.event_list import EventList

WORDS = {
    Severity.INFO: "all events",
    Severity.WARNING: "warnings and worse",
    Severity.ERROR: "errors",
}


class EventHead(Canvas):
    def rows(self, width: int, height: int) -> Sequence[Line]:
        events = self.screen.query_one(EventList)
        chosen = events.selection
        count = figures.plural(len(events.every), "event")
        if len(events.shown) != len(events.every):
            count = f"{len(events.shown):,} of {count}"
        role = Role.DIM if chosen.least is Severity.INFO else Role.WARN
        text = ((f"  /{chosen.text}", Role.ACCENT),) if chosen.text else ()
        left = line((" Events", Role.STRONG), (f"  {count}" if events.asked else "", Role.DIM))
        return (spread(left, line((f"  {WORDS[chosen.least]}", role), text, " "), width),)
