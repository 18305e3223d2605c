"""One action of the console: its keys, its words, and when it can be done."""

from __future__ import annotations

from dataclasses import dataclass

from vconsole.tui.actions.availability import Availability
from vconsole.tui.view import View


@dataclass(frozen=True, slots=True)
class Action:
    """`unavailable` gives the reason why not, or None; `screen` limits it to one screen.

    `bar` ranks it for the key bar (low first, 0 keeps it off). One that `leads_away` shows another
    screen, as those of the group `Screens` do.
    """

    id: str
    keys: tuple[str, ...]
    label: str
    help: str
    group: str
    unavailable: Availability
    danger: bool = False
    mutates: bool = False
    screen: str | None = None
    bar: int = 0
    leads_away: bool = False

    @property
    def method(self) -> str:
        """Name of the method that carries it out, on the app or on its screen."""
        return "do_" + self.id.replace(".", "_").replace("-", "_")

    def keys_now(self, view: View) -> tuple[str, ...]:
        """Its keys, as the settings have them."""
        return view.keymap.get(self.id, self.keys)

    def reason(self, view: View) -> str | None:
        """Why it cannot be done now, in words; None where it can."""
        if self.mutates and view.readonly:
            return "this console is read-only"
        if self.mutates and view.only_for:
            return f"only members of the group {view.only_for} may act here; you may look"
        another_screen = self.group == "Screens" and self.id != "screen.overview"
        if view.alone and (self.leads_away or another_screen):
            return "this is the overview alone; `vconsole` has the other screens"
        return self.unavailable(view)
