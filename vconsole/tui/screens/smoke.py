"""The smoke test as a dialog: each check as it ends, then the verdict; closing it stops nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from vconsole.tui.view import View
from vconsole.tui.widgets.smoke_box import SmokeBox

if TYPE_CHECKING:
    from vconsole.tui.app import ConsoleApp

LOOK_EVERY_S = 0.1


class SmokeScreen(ModalScreen[None]):
    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "dismiss", "close", show=False),
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("t", "again", show=False),
        Binding("y", "copy", show=False),
    ]

    # What a toast would say once more.
    SAYS_ITSELF: ClassVar[tuple[str, ...]] = ("Smoke test passed", "Smoke test did not pass")

    def __init__(self, view: View, begun: bool) -> None:
        """`begun` is whether a test has just been asked for."""
        super().__init__()
        self._box = SmokeBox(view)
        if begun:
            self._box.begin()

    def compose(self) -> ComposeResult:
        yield self._box

    def on_mount(self) -> None:
        self.set_interval(LOOK_EVERY_S, self._look)

    def _look(self) -> None:
        self._box.show(cast("ConsoleApp", self.app).session.view())

    def on_click(self, event: events.Click) -> None:
        if not self._box.region.contains(event.screen_x, event.screen_y):
            self.dismiss(None)

    def action_move(self, step: int) -> None:
        self._box.move(step)

    def action_again(self) -> None:
        app = cast("ConsoleApp", self.app)
        if not self._box.running and app.session.view().readonly is False:
            self._box.begin()
            app.verbs.smoke()

    def action_copy(self) -> None:
        cast("ConsoleApp", self.app).copy(self._box.as_text(), "result")
