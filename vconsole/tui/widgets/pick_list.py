"""A panel of rows, one of which is marked: by keys, wheel or mouse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from vconsole.tui.widgets.panel import Panel

WHEEL_ROWS = 3
Item = TypeVar("Item")


class PickList(Panel, Generic[Item], can_focus=True):
    """`cursor` is a position in `items`, which are None until they were read.

    Subclasses draw `in_sight` of them, below `rows_above` rows of their body, and say in
    `name_of` by what one is known again after the next reading.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home", "move(-100000)", show=False),
        Binding("end", "move(100000)", show=False),
    ]
    rows_above = 0

    class Moved(Message):
        """Another row is marked."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.items: Sequence[Item] | None = None
        self.cursor = 0
        self.top = 0
        self._room = 1

    def name_of(self, item: Item) -> str:
        return str(item)

    @property
    def marked(self) -> Item | None:
        return self.items[min(self.cursor, len(self.items) - 1)] if self.items else None

    def show_items(self, items: Sequence[Item]) -> None:
        """Draw them, keeping the marked one marked wherever it stands now."""
        before = self.marked
        self.items = items
        self.cursor = min(self.cursor, max(0, len(items) - 1))
        if before is not None:
            self.mark(self.name_of(before))
        self.redraw()

    def mark(self, name: str) -> bool:
        """Whether it is there."""
        names = [self.name_of(item) for item in self.items or ()]
        if name not in names:
            return False
        self.cursor = names.index(name)
        self.redraw()
        return True

    def in_sight(self, room: int) -> Sequence[Item]:
        """The items from `top` on that `room` rows hold, the marked one among them."""
        self._room, items = max(1, room), self.items or ()
        self.top = max(self.cursor - self._room + 1, min(self.top, self.cursor))
        self.top = max(0, min(self.top, len(items) - self._room))
        return items[self.top : self.top + self._room]

    def place_at(self, row: int) -> int:
        """The position of the item drawn in that row of the body, there or not."""
        return row - self.rows_above + self.top if row >= self.rows_above else -1

    def action_move(self, step: int) -> None:
        last = max(0, len(self.items or ()) - 1)
        self.cursor = max(0, min(self.cursor + step, last))
        self.redraw()
        self.post_message(self.Moved())

    def action_page(self, pages: int) -> None:
        self.action_move(pages * max(1, self._room - 1))

    def on_mouse_scroll_up(self) -> None:
        self.action_move(-WHEEL_ROWS)

    def on_mouse_scroll_down(self) -> None:
        self.action_move(WHEEL_ROWS)

    def on_click(self, event: events.Click) -> None:
        """The border takes the first row of the panel."""
        place = self.place_at(event.y - 1)
        if 0 <= place < len(self.items or ()) and event.y <= self.rows_above + self._room:
            self.action_move(place - self.cursor)
