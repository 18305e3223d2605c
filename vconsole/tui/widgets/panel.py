"""A box one cell thick, its title and a note in the upper border."""

from __future__ import annotations

from collections.abc import Sequence

from vconsole.tui.drawing.text import Line, Role, cells, fit, line
from vconsole.tui.widgets.canvas import Canvas


class Panel(Canvas):
    """Subclasses say what `heading` and `body` are; one in focus has an accent border."""

    @property
    def border(self) -> Role:
        return Role.ACCENT if self.has_focus else Role.LINE

    def watch_has_focus(self, has_focus: bool) -> None:
        super().watch_has_focus(has_focus)
        self.redraw()

    def heading(self) -> tuple[Line, Line]:
        """Title at the left and note at the right of the upper border."""
        return (), ()

    def foot(self) -> Line:
        """A note at the right of the lower border."""
        return ()

    def body(self, width: int, height: int) -> Sequence[Line]:
        """The rows inside, for the space that border and padding leave."""
        return ()

    def rows(self, width: int, height: int) -> Sequence[Line]:
        if width < 4 or height < 2:
            return ()
        inner = width - 4
        body = list(self.body(inner, height - 2))[: height - 2]
        body += [()] * (height - 2 - len(body))
        side = self.glyphs.vertical
        return [
            self._top(width),
            *(
                line(
                    (f"{side} ", self.border),
                    fit(row, inner, self.glyphs.ellipsis),
                    (f" {side}", self.border),
                )
                for row in body
            ),
            self._bottom(width),
        ]

    def _top(self, width: int) -> Line:
        title, note = self.heading()
        left, right = self.glyphs.corners[0], self.glyphs.corners[1]
        rule = self.glyphs.horizontal
        head = (
            line((f"{left}{rule} ", self.border), title, " ")
            if title
            else line((left, self.border))
        )
        tail = (
            line(" ", note, (f" {rule}{right}", self.border))
            if note
            else line((right, self.border))
        )
        room = width - cells(tail)
        head = head if cells(head) <= room else fit(head, max(0, room), self.glyphs.ellipsis)
        gap = width - cells(head) - cells(tail)
        return line(head, (rule * gap, self.border), tail)

    def _bottom(self, width: int) -> Line:
        left, right = self.glyphs.corners[2], self.glyphs.corners[3]
        rule, note = self.glyphs.horizontal, self.foot()
        tail = line(" ", note, (f" {rule}{right}", self.border)) if note else ()
        if not note or cells(tail) > width - 1:
            return line((left + rule * (width - 2) + right, self.border))
        return line((left + rule * (width - 1 - cells(tail)), self.border), tail)
