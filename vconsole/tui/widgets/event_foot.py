"""Under the events: the marked one in full, and whether the newest is followed."""

from __future__ import annotations

from collections.abc import Sequence

from vconsole.tui.actions import key_for
from vconsole.tui.drawing import figures
from vconsole.tui.drawing.text import Line, Role, line, spread, wrap
from vconsole.tui.widgets.canvas import Canvas
from vconsole.tui.widgets.event_list import LOOKS, EventList


class EventFoot(Canvas):
    def rows(self, width: int, height: int) -> Sequence[Line]:
        events = self.screen.query_one(EventList)
        event = events.marked
        if event is None:
            return ()
        at = event.at.astimezone().strftime("%A %Y-%m-%d %H:%M:%S")
        look, of = LOOKS[event.severity], f"  {event.server}" if event.server else ""
        told = line((f" {look.word}", look.role), (f"  {event.kind}{of}  {at}", Role.DIM))
        text = wrap(event.text, width - 2)
        if len(text) > height - 1:
            text[height - 2] += f" {self.glyphs.ellipsis}"
        return [spread(told, self._mode(events), width), *(line(f" {row}") for row in text)]

    def _mode(self, events: EventList) -> Line:
        if events.following:
            return line((f"{self.glyphs.down} following ", Role.GOOD))
        key = key_for(events.view, "events.follow") if events.view else ""
        new = f"{self.glyphs.down} {figures.plural(events.unseen, 'new event')}  "
        held = (new, Role.ACCENT) if events.unseen else ("held  ", Role.DIM)
        return line(held, (f"{key} ", Role.KEY), ("follow ", Role.DIM))
