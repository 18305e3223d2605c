"""The doctor's checks with their score; one is marked, and its evidence and remedy stand below."""

from __future__ import annotations

from collections.abc import Sequence

from vconsole.supervisor.doctor.check import Check, Examination, State
from vconsole.tui.actions import key_for
from vconsole.tui.drawing.looks import Look
from vconsole.tui.drawing.text import Line, Role, fit, line, wrapped
from vconsole.tui.widgets.pick_list import PickList

LOOKS = {
    State.OK: Look("ok", "tick", Role.GOOD),
    State.WARNING: Look("warning", "warning", Role.WARN),
    State.BAD: Look("bad", "cross", Role.BAD),
    State.UNKNOWN: Look("unknown", "unknown", Role.DIM),
    State.NOT_APPLICABLE: Look("not applicable", "between", Role.FAINT),
}
# What wants something comes first.
ORDER = (State.BAD, State.WARNING, State.UNKNOWN, State.OK, State.NOT_APPLICABLE)
TITLE_CELLS = 18
# Of the marked check, below the rule: few where there is room for few.
DETAIL_ROWS = 4
TALL, TALL_DETAIL_ROWS = 20, 6


class CheckList(PickList[Check]):
    """The worst checks come first; a mark that was not moved stays on the worst."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id)
        self.examination: Examination | None = None

    def name_of(self, item: Check) -> str:
        return item.name

    def show_examination(self, examination: Examination) -> None:
        """Draw these, keeping the marked check marked."""
        moved, self.examination = self.cursor > 0, examination
        self.show_items(sorted(examination.checks, key=lambda check: ORDER.index(check.status)))
        self.cursor = self.cursor if moved else 0

    def heading(self) -> tuple[Line, Line]:
        words = self.examination.arithmetic if self.examination else "looking …"
        return line(("Doctor", Role.STRONG)), line((words, Role.DIM))

    def body(self, width: int, height: int) -> Sequence[Line]:
        detail_rows = TALL_DETAIL_ROWS if height >= TALL else DETAIL_ROWS
        room = max(1, height - detail_rows)
        shown = self.in_sight(room)
        rows = [
            self._row(check, place == self.cursor, width)
            for place, check in enumerate(shown, self.top)
        ]
        rows += [()] * (room - len(rows))
        return [*rows, *self._detail(width, detail_rows)]

    def _row(self, check: Check, is_marked: bool, width: int) -> Line:
        look = LOOKS[check.status]
        title = f"{check.title[:TITLE_CELLS]:<{TITLE_CELLS}}"
        quiet = check.status in (State.OK, State.NOT_APPLICABLE)
        row = line(
            (f"{look.symbol(self.glyphs)} ", look.role),
            (title, Role.MARKED if is_marked else Role.TEXT),
            " ",
            (check.detail, Role.DIM if quiet else Role.TEXT),
        )
        return fit(row, width, self.glyphs.ellipsis)

    def _detail(self, width: int, height: int) -> list[Line]:
        check = self.marked
        if check is None:
            return [()] * height
        words = [f"{check.title}: {LOOKS[check.status].word}"]
        words += [check.gain] if check.gain else []
        rows: list[Line] = [line((self.glyphs.horizontal * width, Role.LINE))]
        if check.remedy:
            key = key_for(self.view, "host.fix") if check.fixable and self.view else ""
            rows += wrapped(f"{key}: {check.remedy}" if key else check.remedy, width, Role.ACCENT)
        else:
            rows += wrapped(check.detail, width, Role.DIM)
        rows += wrapped(". ".join(words), width, Role.DIM)
        return (rows + [()] * height)[:height]
