"""All keys, from the table of actions; what cannot be done now is dim and says why."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from vconsole.tui.actions import Action, key_name, on_screen
from vconsole.tui.drawing.text import Line, Role, line, wrapped
from vconsole.tui.view import View
from vconsole.tui.widgets.panel import Panel

KEY_CELLS = 11
LABEL_CELLS = 14


class HelpBox(Panel):
    def __init__(self, screen_name: str, view: View) -> None:
        super().__init__()
        self._screen_name = screen_name
        self.view = view
        self.top = 0

    def heading(self) -> tuple[Line, Line]:
        below = len(self._rows(self.size.width - 4)) - self.top - (self.size.height - 2)
        more = f"{self.glyphs.down} {below} more   " if below > 0 else ""
        closes = line((more, Role.ACCENT), ("esc", Role.KEY), (" closes", Role.DIM))
        return line(("Keys", Role.STRONG)), closes

    def body(self, width: int, height: int) -> Sequence[Line]:
        rows = self._rows(width)
        self.top = min(self.top, max(0, len(rows) - height))
        return rows[self.top :]

    def _rows(self, width: int) -> list[Line]:
        rows = self._logout(width)
        here = on_screen(self._screen_name)
        for group, actions in groupby(here, key=lambda action: action.group):
            rows += [(), line((group, Role.ACCENT))] if rows else [line((group, Role.ACCENT))]
            rows += [self._row(action) for action in actions if self._keys(action)]
        return rows

    def _logout(self, width: int) -> list[Line]:
        note = self.view.survival_note if self.view else None
        if note is None:
            return []
        return [line(("What a logout does", Role.WARN_STRONG)), *wrapped(note, width)]

    def _row(self, action: Action) -> Line:
        keys = self._keys(action)
        reason = action.reason(self.view) if self.view else None
        if reason is not None:
            text = f"  {keys:<{KEY_CELLS}}{action.label:<{LABEL_CELLS}}"
            return line((text, Role.FAINT), (f"not now: {reason}", Role.FAINT))
        return line(
            (f"  {keys:<{KEY_CELLS}}", Role.BAD_STRONG if action.danger else Role.KEY),
            f"{action.label:<{LABEL_CELLS}}",
            (action.help, Role.DIM),
        )

    def _keys(self, action: Action) -> str:
        keys = action.keys_now(self.view) if self.view else action.keys
        return ", ".join(key_name(key) for key in keys)

    def scroll_rows(self, rows: int) -> None:
        self.top = max(0, self.top + rows)
        self.redraw()

    def on_mouse_scroll_up(self) -> None:
        self.scroll_rows(-3)

    def on_mouse_scroll_down(self) -> None:
        self.scroll_rows(3)


class HelpScreen(ModalScreen[None]):
    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1,enter", "dismiss", "close", show=False),
        Binding("up,k", "scroll(-1)", show=False),
        Binding("down,j", "scroll(1)", show=False),
        Binding("pageup", "scroll(-15)", show=False),
        Binding("pagedown,space", "scroll(15)", show=False),
    ]

    def __init__(self, screen_name: str, view: View) -> None:
        super().__init__()
        self._box = HelpBox(screen_name, view)

    def compose(self) -> ComposeResult:
        yield self._box

    def action_scroll(self, rows: int) -> None:
        self._box.scroll_rows(rows)
