"""What every screen has: the state line above, the key bar below, and a view to draw."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import Screen

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
