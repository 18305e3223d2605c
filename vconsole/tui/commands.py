"""The palette: the table of actions again, what can be done now first, the rest with its reason."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider

from vconsole.tui.actions import Action, key_name, on_screen

if TYPE_CHECKING:
    from vconsole.tui.app import ConsoleApp


class ActionCommands(Provider):
    @property
    def _console(self) -> ConsoleApp:
        return cast("ConsoleApp", self.app)

    def _actions(self) -> Iterator[tuple[Action, str, str]]:
        """Each action with its title and its note."""
        view = self._console.session.view()
        found = [a for a in on_screen(getattr(self.screen, "NAME", "")) if a.id != OWN_ID]
        for action in sorted(found, key=lambda each: each.reason(view) is not None):
            reason = action.reason(view)
            keys = "".join(f"  {key_name(key)}" for key in action.keys_now(view)[:1])
            title = action.label[:1].upper() + action.label[1:]
            yield action, title + keys, f"not now: {reason}" if reason else action.help

    async def discover(self) -> Hits:
        for action, title, note in self._actions():
            yield DiscoveryHit(title, partial(self._console.action_perform, action.id), help=note)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for action, title, note in self._actions():
            score = max(matcher.match(title), matcher.match(action.help) / 2)
            if score > 0:
                perform = partial(self._console.action_perform, action.id)
                yield Hit(score, matcher.highlight(title), perform, help=note)


OWN_ID = "console.palette"
