"""The list of servers as a dialog; answers with the name to look at, or None."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from vconsole.tui.view import View
from vconsole.tui.widgets.servers_box import ServersBox


class ServersScreen(ModalScreen[str | None]):
    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "give_up", show=False),
        Binding("enter", "choose", show=False),
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j,n,a,tab", "move(1)", show=False),
    ]

    def __init__(self, view: View) -> None:
        super().__init__()
        self._servers = view.servers
        self._box = ServersBox(view)

    def compose(self) -> ComposeResult:
        yield self._box

    def on_click(self, event: events.Click) -> None:
        """A click on a server chooses it, one beside the box closes it."""
        row = event.screen_y - self._box.region.y - 1
        inside = self._box.region.contains(event.screen_x, event.screen_y)
        if not inside:
            self.dismiss(None)
        elif 0 <= row < len(self._servers):
            self.dismiss(self._servers[row].name)

    def action_move(self, step: int) -> None:
        self._box.move(step)

    def action_choose(self) -> None:
        self.dismiss(self._servers[self._box.chosen].name)

    def action_give_up(self) -> None:
        self.dismiss(None)
