"""The fields of a profile's form: names at the left, values at the right, one chosen."""

from __future__ import annotations

from collections.abc import Sequence

from vconsole.tui.drawing.text import Line, Role, fit, line, wrap
from vconsole.tui.forms.flag_form import FlagForm, FormRow
from vconsole.tui.widgets.panel import Panel

NAME_CELLS = 36
HELP_ROWS = 5


class FlagList(Panel):
    """Draws the form; under the fields the help of the chosen one, as vLLM has it."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.form: FlagForm | None = None
        self.chosen = 0
        self.waiting = "reading what the installed vLLM takes …"
        self._title = title

    @property
    def row(self) -> FormRow | None:
        rows = self.form.rows() if self.form else ()
        return rows[min(self.chosen, len(rows) - 1)] if rows else None

    def heading(self) -> tuple[Line, Line]:
        if self.form is None:
            return line((self._title, Role.STRONG)), ()
        note = f"{len(self.form.rows())} fields of vLLM {self.form.options.version}"
        return line((self._title, Role.STRONG)), line((note, Role.DIM))

    def move(self, step: int) -> None:
        count = len(self.form.rows()) if self.form else 0
        self.chosen = max(0, min(self.chosen + step, count - 1))
        self.redraw()

    def body(self, width: int, height: int) -> Sequence[Line]:
        if self.form is None:
            return [line((row, Role.DIM)) for row in wrap(self.waiting, width)]
        rows = self.form.rows()
        self.chosen = max(0, min(self.chosen, len(rows) - 1))
        room = max(1, height - HELP_ROWS - 1)
        top = max(0, min(self.chosen - room // 2, len(rows) - room))
        drawn = [
            self._field(row, top + index == self.chosen, width)
            for index, row in enumerate(rows[top : top + room])
        ]
        drawn += [()] * (room - len(drawn))
        return [*drawn, line((self.glyphs.horizontal * width, Role.LINE)), *self._help(width)]

    def _field(self, row: FormRow, is_chosen: bool, width: int) -> Line:
        name = line(
            (f"{self.glyphs.arrow if is_chosen else ' '} ", Role.ACCENT),
            (row.option.name.removeprefix("--"), Role.STRONG if row.value else Role.TEXT),
        )
        if row.fault:
            value = line((f"{self.glyphs.warning} {row.value or ''}", Role.WARN))
        elif row.value is not None:
            value = line((row.value, Role.ACCENT))
        else:
            value = line((self._unset(row), Role.FAINT))
        cells = min(NAME_CELLS, width // 2)
        ellipsis = self.glyphs.ellipsis
        return line(fit(name, cells, ellipsis), fit(value, width - cells, ellipsis))

    def _unset(self, row: FormRow) -> str:
        offered = self.form.beginning(row) if self.form else ""
        return f"offered: {offered}" if offered else row.option.default or ""

    def _help(self, width: int) -> list[Line]:
        row = self.row
        if row is None:
            return [line(("No field has these words.", Role.DIM))]
        texts = [row.fault] if row.fault else []
        if row.option.choices:
            texts.append("one of " + ", ".join(row.option.choices))
        texts.append(" ".join(row.option.help.split()))
        role = Role.WARN if row.fault else Role.DIM
        shown = [line((each, role)) for text in texts for each in wrap(text, width)]
        return shown[:HELP_ROWS]

    def on_mouse_scroll_up(self) -> None:
        self.move(-3)

    def on_mouse_scroll_down(self) -> None:
        self.move(3)
