"""The themes to choose from, the one in use marked, and how to keep one for good."""

from __future__ import annotations

from collections.abc import Sequence

from vconsole import paths
from vconsole.tui.drawing.text import Line, Role, line, wrapped
from vconsole.tui.widgets.panel import Panel

SAMPLES = (
    ("ready", Role.GOOD_STRONG),
    ("warning", Role.WARN_STRONG),
    ("failed", Role.BAD_STRONG),
    ("key", Role.KEY),
    ("faint", Role.FAINT),
)


class ThemesBox(Panel):
    """`chosen` is a position in `names`."""

    def __init__(self, names: Sequence[str], chosen: int) -> None:
        super().__init__()
        self.names = names
        self.chosen = chosen

    def heading(self) -> tuple[Line, Line]:
        note = line(("enter", Role.KEY), (" keeps it  ", Role.DIM), ("esc", Role.KEY))
        return line(("Theme", Role.STRONG)), line(note, (" as before", Role.DIM))

    def body(self, width: int, height: int) -> Sequence[Line]:
        foot = self._foot(width)
        room = max(1, height - len(foot))
        top = max(0, min(self.chosen - room // 2, len(self.names) - room))
        rows = [self._row(top + i, name) for i, name in enumerate(self.names[top : top + room])]
        return [*rows, *foot]

    def _row(self, position: int, name: str) -> Line:
        here = position == self.chosen
        mark = self.glyphs.arrow if here else " "
        return line((f"{mark} ", Role.ACCENT), (name, Role.STRONG if here else Role.TEXT))

    def _foot(self, width: int) -> list[Line]:
        samples = [line((f"{word} ", role)) for word, role in SAMPLES]
        return [(), line(*samples), (), *wrapped(self._for_good(), width, Role.DIM)]

    def _for_good(self) -> str:
        where = paths.shown(paths.config_file())
        return f'For good: theme = "{self.names[self.chosen]}" under [ui] in {where}'

    def on_mount(self) -> None:
        width = min(56, int(self.app.size.width * 0.96)) - 4
        wanted = len(self.names) + len(self._foot(width)) + 2
        self.styles.height = min(wanted, self.app.size.height - 2)
