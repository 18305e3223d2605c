"""Each model of Ollama's with the repository that matches, how sure that is, and why."""

from __future__ import annotations

from collections.abc import Sequence

from vconsole.supervisor.ollama.equivalents import Confidence, Equivalent
from vconsole.tui.drawing import figures
from vconsole.tui.drawing.text import Line, Role, fit, line, wrapped
from vconsole.tui.widgets.panel import Panel

ROLES = {
    Confidence.CERTAIN: Role.GOOD,
    Confidence.LIKELY: Role.WARN,
    Confidence.UNKNOWN: Role.DIM,
}
NAME_CELLS = 22
DETAIL_ROWS = 4


class EquivalentsBox(Panel):
    """`chosen` is a position among them; the marked one is told in full below."""

    def __init__(self, found: Sequence[Equivalent]) -> None:
        super().__init__()
        self._found = tuple(found)
        self.chosen = 0

    @property
    def marked(self) -> Equivalent:
        return self._found[self.chosen]

    def move(self, step: int) -> None:
        self.chosen = (self.chosen + step) % len(self._found)
        self.redraw()

    def heading(self) -> tuple[Line, Line]:
        note = line(("enter", Role.KEY), (" plans it  ", Role.DIM), ("esc", Role.KEY))
        return line(("In the place of Ollama's models", Role.STRONG)), line(
            note, (" closes", Role.DIM)
        )

    def body(self, width: int, height: int) -> Sequence[Line]:
        room = max(1, height - DETAIL_ROWS)
        top = max(0, min(self.chosen, self.chosen + 1 - room))
        rows = [
            self._row(one, place == self.chosen, width)
            for place, one in enumerate(self._found[top : top + room], top)
        ]
        rows += [()] * (room - len(rows))
        return [*rows, *self._detail(width)]

    def _row(self, one: Equivalent, is_marked: bool, width: int) -> Line:
        row = line(
            (f"{self.glyphs.arrow if is_marked else ' '} ", Role.ACCENT),
            fit(line((one.name, Role.STRONG if is_marked else Role.TEXT)), NAME_CELLS),
            (f" {one.confidence:<8} ", ROLES[one.confidence]),
            one.repository or figures.UNKNOWN,
        )
        return fit(row, width, self.glyphs.ellipsis)

    def _detail(self, width: int) -> list[Line]:
        one = self.marked
        rows: list[Line] = [line((self.glyphs.horizontal * width, Role.LINE))]
        rows += wrapped(one.why, width, Role.DIM)
        if one.others:
            rows += wrapped(f"Packed smaller: {', '.join(one.others[:3])}", width, Role.DIM)
        return (rows + [()] * DETAIL_ROWS)[:DETAIL_ROWS]

    def on_mount(self) -> None:
        self.styles.height = min(len(self._found) + DETAIL_ROWS + 2, self.app.size.height - 2)
