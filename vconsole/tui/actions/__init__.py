"""Every action of the console, declared once: bindings, key bar, palette and help read this table.

Lower-case keys are safe, upper-case ones are dangerous and ask first. Each screen has its module.
"""

from __future__ import annotations

from collections.abc import Iterable

from textual.binding import Binding, BindingType

from vconsole.tui.actions import (
    away,
    batch,
    bench,
    console,
    events,
    host,
    logs,
    models,
    overview,
    request,
    screens,
    server,
    service,
)
from vconsole.tui.actions.action import Action as Action
from vconsole.tui.view import View

ACTIONS: tuple[Action, ...] = (
    *screens.ACTIONS,
    *server.ACTIONS,
    *overview.ACTIONS,
    *models.ACTIONS,
    *request.ACTIONS,
    *batch.ACTIONS,
    *bench.ACTIONS,
    *logs.ACTIONS,
    *events.ACTIONS,
    *host.ACTIONS,
    *service.ACTIONS,
    *away.ACTIONS,
    *console.ACTIONS,
)
# No terminal sends it; an action without a key can be given one by it.
NO_KEY = "none"
BY_ID = {action.id: action for action in ACTIONS}


def bindings_for(screen: str | None) -> list[BindingType]:
    """Textual's bindings of the actions of one screen; None is for those that hold everywhere."""
    return [
        Binding(
            ",".join(action.keys) or NO_KEY,
            f"app.perform('{action.id}')",
            action.label,
            show=False,
            tooltip=action.help,
            id=action.id,
        )
        for action in ACTIONS
        if action.screen == screen
    ]


def on_screen(screen: str) -> Iterable[Action]:
    """The actions that keys reach on `screen`."""
    return (action for action in ACTIONS if action.screen in (None, screen))


KEY_NAMES = {
    "slash": "/",
    "question_mark": "?",
    "escape": "esc",
    "left_square_bracket": "[",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "right_square_bracket": "]",
    "plus": "+",
    "minus": "-",
}


def key_for(view: View, action_id: str) -> str:
    """The first key of an action as people write it; the palette's where it has none."""
    keys = BY_ID[action_id].keys_now(view) or BY_ID["console.palette"].keys_now(view)
    return key_name(keys[0]) if keys else "the palette"


def key_now(view: View, key: str, screen: str = "overview") -> str:
    """What to press for a built-in key that a sentence names, where the settings have another."""
    if not view.keymap:
        return key
    named = (action.id for action in on_screen(screen) if key in map(key_name, action.keys))
    found = next(named, None)
    return key if found is None else key_for(view, found)


def key_name(key: str) -> str:
    """A key as people write it."""
    return KEY_NAMES.get(key, key)
