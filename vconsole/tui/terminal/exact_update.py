"""Partial updates of the screen in as few bytes as they need.

Textual 8.2.8 writes a changed span from the left edge of its widget on and sets every colour anew
for each segment; over a slow line those bytes are most of what a console costs.
"""

from __future__ import annotations

from rich.color import ColorSystem
from rich.console import Console, RenderableType
from rich.style import Style
from textual._compositor import ChopsUpdate

RESET = "\x1b[0m"


class ExactUpdate(ChopsUpdate):
    """The same update, cut to its spans, with colours set only where they change."""

    def render_segments(self, console: Console) -> str:
        pen = Pen(console._color_system)
        for y, first, after in self.spans:
            for end, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=True):
                begin, stop = max(x, first), min(end, after)
                if strip is None or begin >= stop:
                    continue
                pen.move(begin, y)
                for text, style, _ in strip.crop(begin - x, stop - x):
                    pen.write(text, style)
        return pen.finish()


class Pen:
    """Writes text in styles, and remembers what the terminal was told last."""

    def __init__(self, system: ColorSystem | None) -> None:
        self._system = system
        self._style = Style.null()
        self._parts: list[str] = []

    def move(self, x: int, y: int) -> None:
        self._parts.append(f"\x1b[{y + 1};{x + 1}H")

    def write(self, text: str, style: Style | None) -> None:
        wanted = style or Style.null()
        if self._system is not None and wanted != self._style:
            self._parts.append(self._change(wanted))
            self._style = wanted
        self._parts.append(text)

    def _change(self, wanted: Style) -> str:
        """The sequence from the style in force to the next; colour alone where it can."""
        before, system = self._style, self._system
        assert system is not None
        same = (
            wanted.color is not None
            and before.bgcolor == wanted.bgcolor
            and before._attributes == wanted._attributes
            and before._set_attributes == wanted._set_attributes
        )
        if same and wanted.color is not None:
            codes = ";".join(wanted.color.downgrade(system).get_ansi_codes())
            return f"\x1b[{codes}m"
        codes = wanted._make_ansi_codes(system)
        return f"\x1b[0;{codes}m" if codes else RESET

    def finish(self) -> str:
        return "".join(self._parts) + RESET


def exact(update: RenderableType | None) -> RenderableType | None:
    """A partial update made exact; anything else as it is."""
    if isinstance(update, ChopsUpdate):
        return ExactUpdate(update.chops, update.spans, update.chop_ends)
    return update
