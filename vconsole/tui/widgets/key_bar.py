"""The last two rows: screens with their digits, and the keys that matter here; clicks work too."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events

from vconsole.tui.actions import ACTIONS, Action, key_for, key_name, on_screen
from vconsole.tui.drawing import figures
from vconsole.tui.drawing.looks import STATES
from vconsole.tui.drawing.text import Line, Role, cells, line
from vconsole.tui.view import View
from vconsole.tui.widgets.canvas import Canvas

LEAVING = "leave (the server keeps running)"
# Screens whose own keys need the room.
LEAVING_IS_SHORT = frozenset({"batch", "bench"})


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
            if action.group != "Screens" or (view.alone and action.reason(view)):
                continue
            here = action.id == f"screen.{self._screen_name}"
            key = Role.DIM if self.typing else Role.KEY
            label = Role.STRONG if here else Role.DIM
            parts.append(
                self._item(
                    0,
                    parts,
                    line((self._key(view, action), key), (f" {action.label}", label)),
                    action,
                )
            )
        return line(*parts)

    def _servers(self, view: View, room: int) -> Line:
        """Where there are several: each with its state, at the right edge; clicked, the list."""
        if not view.others:
            return ()
        key = Role.DIM if self.typing else Role.KEY
        next_key = key_for(view, "server.next")
        names = [line((next_key, key), " ")]
        for server in view.servers:
            look = STATES[server.state]
            role = Role.STRONG if server.name == view.name else Role.DIM
            names.append(line((f" {look.symbol(self.glyphs)}", look.role), (server.name, role)))
        shown = line(*names)
        for words in (figures.plural(len(view.others), "other server"), _others(view)):
            if cells(shown) + 1 > room:
                shown = line((next_key, key), (f" {words}", Role.DIM))
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
        """What can be done now before what cannot; of each the screen's own keys first."""
        found = [a for a in on_screen(self._screen_name) if 0 < a.bar < 90]

        def rank(action: Action) -> tuple[bool, bool, int]:
            return action.reason(view) is not None, action.screen is None, action.bar

        return sorted(found, key=rank)

    def _text(self, view: View, action: Action) -> Line:
        stays = view.serving and self._screen_name not in LEAVING_IS_SHORT
        label = LEAVING if action.id == "console.leave" and stays else action.label
        if action.reason(view) is not None:
            return line((f"{self._key(view, action)} {label}".strip(), Role.FAINT))
        return line((self._key(view, action), Role.KEY), (f" {label}", Role.DIM))

    def _key(self, view: View, action: Action) -> str:
        """Nothing where the settings leave the action without: a click does."""
        return "".join(key_name(key) for key in action.keys_now(view)[:1])

    def _item(self, row: int, before: list[Line], text: Line, action: Action) -> Line:
        start = sum(cells(part) for part in before)
        self._targets[row].append((start, start + cells(text), action.id))
        return line(text, "  ")

    async def on_click(self, event: events.Click) -> None:
        if self.typing and event.y == 1:
            return
        for start, end, action_id in self._targets[min(event.y, 1)]:
            if start <= event.x < end:
                await self.console_app.action_perform(action_id)
                return


def _others(view: View) -> str:
    return figures.plural(len(view.others), "other")
