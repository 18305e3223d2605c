"""The models screen."""

from __future__ import annotations

from vconsole.tui.actions.action import Action
from vconsole.tui.actions.availability import always, live

ACTIONS = (
    Action(
        "models.start",
        ("enter",),
        "start",
        "Start the marked model, after showing what will run",
        "Models",
        live,
        mutates=True,
        screen="models",
        bar=1,
    ),
    Action(
        "models.pull",
        ("p",),
        "pull",
        "Download it from the Hub, or continue a download",
        "Models",
        live,
        mutates=True,
        screen="models",
        bar=2,
    ),
    Action(
        "models.cancel",
        ("x",),
        "cancel pull",
        "End its download; what has come is kept",
        "Models",
        live,
        mutates=True,
        screen="models",
    ),
    Action(
        "models.remove",
        ("D",),
        "remove",
        "Take it out of the cache; asks first",
        "Models",
        live,
        danger=True,
        mutates=True,
        screen="models",
        bar=5,
    ),
    Action(
        "models.filter",
        ("slash",),
        "filter",
        "Models by name as you type; esc clears it",
        "Models",
        always,
        screen="models",
        bar=3,
    ),
    Action(
        "models.card",
        ("g",),
        "card",
        "Plan for another card by name, or GiB",
        "Models",
        always,
        screen="models",
        bar=4,
    ),
)
