"""The page for whoever comes back: what happened meanwhile."""

from __future__ import annotations

from vconsole.tui.actions.action import Action
from vconsole.tui.actions.availability import always

ACTIONS = (
    Action(
        "away.back",
        ("escape", "enter"),
        "overview",
        "Go on to the overview",
        "While you were away",
        always,
        screen="away",
        bar=1,
    ),
    Action(
        "away.events",
        ("e",),
        "events",
        "All that happened, filtered as you type",
        "While you were away",
        always,
        screen="away",
        bar=2,
    ),
)
