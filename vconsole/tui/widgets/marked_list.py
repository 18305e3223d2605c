"""A long list of which the visible part is drawn: one entry is marked, or the end is followed."""

from __future__ import annotations

from textual import events
from textual.message import Message

from vconsole.tui.drawing.text import Role, Span
from vconsole.tui.widgets.canvas import Canvas

WHEEL_LINES = 3


class MarkedList(Canvas, can_focus=True):
    """Subclasses say how many entries there are; `cursor` is a position among them."""

    class Moved(Message):
        """The position, the selection or the follow mode changed."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.following = True
        self.top = 0
        self.cursor = 0
        self.seen = 0

    @property
    def count(self) -> int:
        return 0

    @property
    def unseen(self) -> int:
        """Entries that came since following ended."""
        return 0 if self.following else max(0, self.count - self.seen)

    def follow(self) -> None:
        self.following = True
        self.settle()

    def move(self, entries: int) -> None:
        """Move the mark; upwards ends following, reaching the end does not begin it."""
        if self.following and entries < 0:
            self.following = False
            self.seen = self.count
        self.cursor += entries
        self.settle()

    def settle(self) -> None:
        """Bring cursor and top into bounds, the cursor into sight, and draw."""
        height = max(1, self.size.height)
        last = max(0, self.count - 1)
        self.cursor = last if self.following else min(max(0, self.cursor), last)
        if self.following:
            self.top = max(0, self.count - height)
            self.seen = self.count
        self.top = min(self.top, self.cursor, max(0, last))
        if self.cursor >= self.top + height:
            self.top = self.cursor - height + 1
        self.redraw()
        self.post_message(self.Moved())

    def scroll_bar_cell(self, y: int, height: int) -> Span:
        """One cell wide, drawn only where there is more than fits."""
        if self.count <= height:
            return " ", Role.FAINT
        length = max(1, height * height // self.count)
        start = round(self.top / max(1, self.count - height) * (height - length))
        return (self.glyphs.thumb, Role.DIM if start <= y < start + length else Role.FAINT)

    def on_key(self, event: events.Key) -> None:
        height = max(1, self.size.height - 1)
        moves = {
            "up": -1,
            "k": -1,
            "down": 1,
            "j": 1,
            "pageup": -height,
            "pagedown": height,
            "home": -self.count,
            "g": -self.count,
        }
        if event.key in moves:
            self.move(moves[event.key])
            event.stop()

    def on_mouse_scroll_up(self) -> None:
        self.move(-WHEEL_LINES)

    def on_mouse_scroll_down(self) -> None:
        self.move(WHEEL_LINES)

    def on_resize(self) -> None:
        self._painted = []
        self.settle()
