"""The events screen."""

from __future__ import annotations

from vconsole.tui.actions.action import Action
from vconsole.tui.actions.availability import always

ACTIONS = (
    Action(
        "events.filter",
        ("slash",),
        "filter",
        "By kind, server or text, as you type",
        "Events",
        always,
        screen="events",
        bar=1,
    ),
    Action(
        "events.severity",
        ("v",),
        "severity",
        "All events, warnings and worse, errors alone",
        "Events",
        always,
        screen="events",
        bar=2,
    ),
    Action(
        "events.follow",
        ("f", "end", "G"),
        "follow",
        "Go to the newest and stay there",
        "Events",
        always,
        screen="events",
        bar=4,
    ),
    Action(
        "events.copy",
        ("y",),
        "copy",
        "Copy the marked event to your clipboard",
        "Events",
        always,
        screen="events",
        bar=5,
    ),
    Action(
        "events.back",
        ("escape",),
        "back",
        "All events again, then back to the overview",
        "Events",
        always,
        screen="events",
        bar=3,
    ),
)
