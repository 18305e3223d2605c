"""The base of all panels: rows of spans, painted through the Line API, changed cells only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from vconsole.tui.drawing.glyphs import Glyphs
from vconsole.tui.drawing.text import Line, Role, fit, plain
from vconsole.tui.view import View

if TYPE_CHECKING:
    from vconsole.tui.app import ConsoleApp

# Moving the cursor and setting a colour costs about as many bytes as this many cells.
JOINED_CELLS = 12


class Canvas(Widget):
    """Subclasses say what `rows` are; an idle canvas sends nothing to the terminal."""

    ALLOW_SELECT = False

    def __init__(self, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.view: View | None = None
        self._drawn_view: View | None = None
        self._painted: list[Line] = []

    @property
    def console_app(self) -> ConsoleApp:
        return cast("ConsoleApp", self.app)

    @property
    def glyphs(self) -> Glyphs:
        return self.console_app.glyphs

    def rows(self, width: int, height: int) -> Sequence[Line]:
        """The content for this size; fewer rows leave the rest blank."""
        return ()

    def show(self, view: View) -> None:
        """Draw a view; the same one again changes nothing."""
        if view is self._drawn_view and self._painted:
            return
        self.view = self._drawn_view = view
        self.redraw()

    def redraw(self) -> None:
        """Compute the rows again and repaint the cells that differ."""
        width, height = self.size
        if width == 0 or height == 0:
            return
        wanted = [fit(row, width, self.glyphs.ellipsis) for row in self.rows(width, height)]
        wanted = wanted[:height]
        wanted += [fit((), width)] * (height - len(wanted))
        before, self._painted = self._painted, wanted
        if len(before) != height:
            self.refresh()
            return
        regions = [
            Region(start, y, end - start, 1)
            for y, (old, new) in enumerate(zip(before, wanted, strict=True))
            if old != new
            for start, end in changed_cells(old, new, width)
        ]
        if regions:
            self.refresh(*regions)

    def on_resize(self) -> None:
        self._painted = []
        self.redraw()

    def render_line(self, y: int) -> Strip:
        styles: dict[Role, Style] = self.console_app.role_styles
        if y >= len(self._painted):
            # Textual's filter for NO_COLOR cannot take a segment without a style.
            return Strip.blank(self.size.width, styles[Role.TEXT])
        return Strip([Segment(text, styles[role]) for text, role in self._painted[y] if text])


def changed_cells(old: Line, new: Line, width: int) -> list[tuple[int, int]]:
    """Runs of columns that differ, as (first, after last); near ones are joined.

    The whole row where a glyph is two cells wide.
    """
    whole = [(0, width)]
    if any(cell_len(text) != len(text) for text in (plain(old), plain(new))):
        return whole
    before = [(character, role) for text, role in old for character in text]
    after = [(character, role) for text, role in new for character in text]
    if len(before) != len(after):
        return whole
    runs: list[tuple[int, int]] = []
    for x, (was, is_now) in enumerate(zip(before, after, strict=True)):
        if was == is_now:
            continue
        if runs and x - runs[-1][1] < JOINED_CELLS:
            runs[-1] = (runs[-1][0], x + 1)
        else:
            runs.append((x, x + 1))
    return runs
