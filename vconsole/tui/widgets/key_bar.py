"""The last two rows: screens with their digits, and the keys that matter here; clicks work too."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events

from vconsole.tui import figures
from vconsole.tui.actions import ACTIONS, Action, key_name, on_screen
from vconsole.tui.looks import STATES
from vconsole.tui.text import Line, Role, cells, line
from vconsole.tui.view import View
from vconsole.tui.widgets.canvas import Canvas

LEAVING = "leave (the server keeps running)"


class KeyBar(Canvas):
    """`screen_name` is the screen it stands on; `typing` says that keys go into a text field."""

    def __init__(self, screen_name: str) -> None:
        super().__init__()
        self._screen_name = screen_name
        self.typing: tuple[tuple[str, str], ...] = ()
        self._targets: list[list[tuple[int, int, str]]] = [[], []]

    def rows(self, width: int, height: int) -> Sequence[Line]:
        if self.view is None:
            return ()
        self._targets = [[], []]
        screens = self._screens(self.view)
        servers = self._servers(self.view, width - cells(screens))
        return (line(screens, servers), self._keys(self.view, width))

    def _screens(self, view: View) -> Line:
        parts: list[Line] = [line(" ")]
        for action in ACTIONS:
            if action.group != "Screens":
                continue
            here = action.id == f"screen.{self._screen_name}"
            key = Role.DIM if self.typing else Role.KEY
            label = Role.STRONG if here else Role.DIM
            parts.append(
                self._item(
                    0,
                    parts,
                    line((key_name(action.keys[0]), key), (f" {action.label}", label)),
                    action,
                )
            )
        return line(*parts)

    def _servers(self, view: View, room: int) -> Line:
        """Where there are several: each with its state, at the right edge; clicked, the list."""
        if not view.others:
            return ()
        key = Role.DIM if self.typing else Role.KEY
        names = [line(("n", key), " ")]
        for server in view.servers:
            look = STATES[server.state]
            role = Role.STRONG if server.name == view.name else Role.DIM
            names.append(line((f" {look.symbol(self.glyphs)}", look.role), (server.name, role)))
        shown = line(*names)
        if cells(shown) + 1 > room:
            others = figures.plural(len(view.others), "other server")
            shown = line(("n", key), (f" {others}", Role.DIM))
        gap = max(0, room - cells(shown) - 1)
        row = self._targets[0]
        after = max((end for _, end, _ in row), default=0) + 2
        row.append((after + gap, after + gap + cells(shown), "server.choose"))
        return line(" " * gap, shown)

    def _keys(self, view: View, width: int) -> Line:
        if self.typing:
            items = [line((key, Role.KEY), (f" {label}  ", Role.DIM)) for key, label in self.typing]
            return line(" ", *items)
        parts: list[Line] = [line(" ")]
        room = width - 1 - sum(cells(self._text(view, action)) + 2 for action in self._fixed())
        for action in self._ranked(view):
            text = self._text(view, action)
            room -= cells(text) + 2
            if room < 0:
                break
            parts.append(self._item(1, parts, text, action))
        for action in self._fixed():
            parts.append(self._item(1, parts, self._text(view, action), action))
        return line(*parts)

    def _fixed(self) -> list[Action]:
        return [action for action in ACTIONS if action.bar >= 90]

    def _ranked(self, view: View) -> list[Action]:
        """The screen's own keys first, then the server's."""
        found = [a for a in on_screen(self._screen_name) if 0 < a.bar < 90]
        return sorted(found, key=lambda action: (action.screen is None, action.bar))

    def _text(self, view: View, action: Action) -> Line:
        label = LEAVING if action.id == "console.leave" and view.serving else action.label
        if action.reason(view) is not None:
            return line((f"{key_name(action.keys[0])} {label}", Role.FAINT))
        return line((key_name(action.keys[0]), Role.KEY), (f" {label}", Role.DIM))

    def _item(self, row: int, before: list[Line], text: Line, action: Action) -> Line:
        start = sum(cells(part) for part in before)
        self._targets[row].append((start, start + cells(text), action.id))
        return line(text, "  ")

    def on_click(self, event: events.Click) -> None:
        if self.typing and event.y == 1:
            return
        for start, end, action_id in self._targets[min(event.y, 1)]:
            if start <= event.x < end:
                self.console_app.action_perform(action_id)
