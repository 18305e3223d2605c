"""The logs screen."""

from __future__ import annotations

from vconsole.tui.actions.action import Action
from vconsole.tui.actions.availability import has_log

ACTIONS = (
    Action(
        "logs.filter",
        ("slash",),
        "filter",
        "Lines with a text or regex; esc clears it",
        "Logs",
        has_log,
        screen="logs",
        bar=1,
    ),
    Action(
        "logs.level",
        ("v",),
        "level",
        "All levels, warnings and worse, errors alone",
        "Logs",
        has_log,
        screen="logs",
        bar=2,
    ),
    Action(
        "logs.error",
        ("e",),
        "next error",
        "Go to the error that matters, then to the next",
        "Logs",
        has_log,
        screen="logs",
        bar=3,
    ),
    Action(
        "logs.follow",
        ("f", "end", "G"),
        "follow",
        "Go to the end and stay there",
        "Logs",
        has_log,
        screen="logs",
        bar=4,
    ),
    Action(
        "logs.wrap",
        ("w",),
        "wrap",
        "Long lines and tracebacks whole, or a row each",
        "Logs",
        has_log,
        screen="logs",
        bar=5,
    ),
    Action(
        "logs.copy",
        ("y",),
        "copy line",
        "Copy the marked line to your clipboard",
        "Logs",
        has_log,
        screen="logs",
        bar=6,
    ),
)
