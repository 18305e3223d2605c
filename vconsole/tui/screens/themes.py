"""Chooses a theme: the one that is marked is in use at once, esc brings back what was."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from vconsole.tui.widgets.themes_box import ThemesBox


class ThemesScreen(ModalScreen[str | None]):
    """Answers with the theme that was chosen, or None where it is as before."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "give_up", show=False),
        Binding("enter", "choose", show=False),
        Binding("up,k,shift+tab", "move(-1)", show=False),
        Binding("down,j,tab", "move(1)", show=False),
    ]

    def __init__(self, names: tuple[str, ...], current: str) -> None:
        super().__init__()
        self._before = current
        self._box = ThemesBox(names, names.index(current))

    def compose(self) -> ComposeResult:
        yield self._box

    def on_click(self, event: events.Click) -> None:
        """A click on a theme shows it, one beside the box gives up."""
        row = event.screen_y - self._box.region.y - 1
        if not self._box.region.contains(event.screen_x, event.screen_y):
            self.action_give_up()
        elif 0 <= row < len(self._box.names):
            self.action_move(row - self._box.chosen)

    def action_move(self, step: int) -> None:
        self._box.chosen = (self._box.chosen + step) % len(self._box.names)
        self.app.theme = self._box.names[self._box.chosen]
        self._box.redraw()

    def action_choose(self) -> None:
        self.dismiss(self._box.names[self._box.chosen])

    def action_give_up(self) -> None:
        self.app.theme = self._before
        self.dismiss(None)
