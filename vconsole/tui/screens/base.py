"""What every screen has: the state line above, the key bar below, and a view to draw."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import Screen

from vconsole.errors import VConsoleError
from vconsole.tui.actions import key_for
from vconsole.tui.view import View
from vconsole.tui.widgets.canvas import Canvas
from vconsole.tui.widgets.key_bar import KeyBar
from vconsole.tui.widgets.notice import SMALLEST_HEIGHT, SMALLEST_WIDTH, TooSmall
from vconsole.tui.widgets.state_line import StateLine

if TYPE_CHECKING:
    from vconsole.tui.app import ConsoleApp

WIDE_WIDTH = 100
TALL_WIDTH, TALL_HEIGHT = 110, 40


class ConsoleScreen(Screen[None]):
    """Subclasses give their name, their widgets, and what else to do with a new view."""

    NAME: ClassVar[str] = ""

    def compose(self) -> ComposeResult:
        # Before there are widgets, a class costs nothing; after, the style of every one of them.
        self.update_classes(self.size_classes())
        yield StateLine(id="state")
        with Vertical(id="body"):
            yield from self.contents()
        yield KeyBar(self.NAME)
        yield TooSmall(id="too-small")

    def contents(self) -> ComposeResult:
        """The widgets between state line and key bar."""
        yield from ()

    @property
    def console_app(self) -> ConsoleApp:
        return cast("ConsoleApp", self.app)

    def on_mount(self) -> None:
        self._classify()

    def on_resize(self) -> None:
        self._classify()
        self.show(self.console_app.current_view())

    def on_screen_resume(self) -> None:
        self.show(self.console_app.current_view())

    def size_classes(self) -> dict[str, bool]:
        """What the style sheets know of the terminal's size."""
        width, height = self.app.size
        return {
            "-tiny": width < SMALLEST_WIDTH or height < SMALLEST_HEIGHT,
            "-wide": width >= WIDE_WIDTH,
            "-tall": width >= TALL_WIDTH and height >= TALL_HEIGHT,
        }

    def _classify(self) -> None:
        self.update_classes(self.size_classes())
        self.fit_to_size()

    def fit_to_size(self) -> None:
        """Called when the size classes may have changed."""

    def show(self, view: View) -> None:
        """Draw a new view; canvases that are hidden draw when they get a size."""
        for canvas in self.query(Canvas):
            canvas.show(view)

    def key_of(self, name: str) -> str:
        """The key of an action of this screen, as the user has it."""
        return key_for(self.console_app.session.view(), f"{self.NAME}.{name}")

    def warn(self, text: str) -> None:
        self.notify(text, severity="warning", timeout=5, markup=False)

    def ask(
        self, title: str, target: str, effects: Sequence[str], verb: str, act: Callable[[], object]
    ) -> None:
        """Say exactly what will happen, and do it only upon another key than Enter."""
        from vconsole.tui.screens.confirm import ConfirmScreen

        def answered(yes: bool | None) -> None:
            if yes:
                act()

        self.app.push_screen(ConfirmScreen(title, target, effects, verb), answered)

    def ask_chore(
        self,
        title: str,
        target: str,
        effects: Sequence[str],
        verb: str,
        words: tuple[str, ...],
        then: Callable[[], None],
    ) -> None:
        """Ask, and have a process of its own do it, which outlives the console."""
        from vconsole.tui.background import chores, results

        def act() -> None:
            try:
                chores.begin(*words)
            except VConsoleError as error:
                self.console_app._say(results.refusal(verb, error))
            then()

        same = f"The same as: vconsole {shlex.join(words)}"
        self.ask(title, target, [*effects, same], verb, act)
