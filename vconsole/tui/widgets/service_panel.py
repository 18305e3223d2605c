"""The unit of systemd: how it is, and below it the text of the chosen page, to be scrolled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType

from vconsole.host.units import Scope
from vconsole.tui.actions import key_for
from vconsole.tui.background.servicing import Page, ServiceLook
from vconsole.tui.drawing.text import Line, Role, fit, line, wrapped
from vconsole.tui.widgets.chore_rows import chore_rows
from vconsole.tui.widgets.panel import Panel

WHOSE = {Scope.USER: "your own unit", Scope.SYSTEM: "the machine's unit"}
TITLES = {
    Page.PREVIEW: "what an install would write",
    Page.DIFF: "what an install would change",
    Page.JOURNAL: "the journal",
}
CHANGES = {"+": Role.GOOD, "-": Role.BAD, "@": Role.DIM, "[": Role.STRONG, "#": Role.DIM}
CHORE_ROWS = 4
WHEEL_ROWS = 3


class ServicePanel(Panel, can_focus=True):
    """`top` is the first row of the text that is seen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "move(-10)", show=False),
        Binding("pagedown", "move(10)", show=False),
        Binding("home", "move(-100000)", show=False),
        Binding("end", "move(100000)", show=False),
    ]

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.look: ServiceLook | None = None
        self.top = 0
        self._last_top = 0

    def show_look(self, look: ServiceLook) -> None:
        """Draw it; another page begins at its top, but the journal at its newest line."""
        before = self.look
        self.look = look
        if before is None or (before.page, before.scope) != (look.page, look.scope):
            self.top = len(look.text) if look.page is Page.JOURNAL else 0
        self.redraw()

    def action_move(self, rows: int) -> None:
        self.top = max(0, min(self.top + rows, self._last_top))
        self.redraw()

    def on_mouse_scroll_down(self, _: events.MouseScrollDown) -> None:
        self.action_move(WHEEL_ROWS)

    def on_mouse_scroll_up(self, _: events.MouseScrollUp) -> None:
        self.action_move(-WHEEL_ROWS)

    def heading(self) -> tuple[Line, Line]:
        if self.look is None:
            return line(("Service", Role.STRONG)), line(("looking …", Role.DIM))
        return line(("Service: ", Role.STRONG), WHOSE[self.look.scope]), line(
            (self.look.path, Role.DIM)
        )

    def body(self, width: int, height: int) -> Sequence[Line]:
        look = self.look
        if look is None:
            return ()
        rows = chore_rows(look.chore, width, CHORE_ROWS, self.glyphs)
        rows += [line(each) for each in look.state]
        if look.error:
            rows += wrapped(look.error.message, width, Role.WARN)
            rows += wrapped(look.error.remedy or "", width, Role.ACCENT)
        for note in look.notes:
            rows += wrapped(f"note: {note}", width, Role.WARN)
        rows += [self._keys(look), self._rule(TITLES[look.page], width)]
        room = max(1, height - len(rows))
        text = look.text or (self._nothing(look),)
        self._last_top = max(0, len(text) - room)
        self.top = max(0, min(self.top, self._last_top))
        return [*rows, *(self._coloured(each, width) for each in text[self.top : self.top + room])]

    def _keys(self, look: ServiceLook) -> Line:
        other = Scope.SYSTEM if look.scope is Scope.USER else Scope.USER
        words = {
            "service.install": "install",
            "service.uninstall": "uninstall",
            "service.scope": WHOSE[other],
            "service.back": "back",
        }
        shown = {key_for(self.view, id): each for id, each in words.items()} if self.view else {}
        return line(
            *(line((key, Role.KEY), (f" {each}   ", Role.DIM)) for key, each in shown.items())
        )

    def _rule(self, title: str, width: int) -> Line:
        rule = self.glyphs.horizontal
        row = line((f"{rule} ", Role.LINE), (title, Role.ACCENT), (f" {rule * width}", Role.LINE))
        return fit(row, width, rule)

    def _nothing(self, look: ServiceLook) -> str:
        if look.page is Page.DIFF and not look.installed:
            return "Nothing is installed that could be compared."
        return "Nothing to show."

    def _coloured(self, text: str, width: int) -> Line:
        return fit(line((text, CHANGES.get(text[:1], Role.TEXT))), width, self.glyphs.ellipsis)
