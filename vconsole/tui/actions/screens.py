"""Going from screen to screen."""

from __future__ import annotations

from vconsole.tui.actions.action import Action
from vconsole.tui.actions.availability import always

ACTIONS = (
    Action("screen.overview", ("1",), "Overview", "Everything at a glance", "Screens", always),
    Action(
        "screen.models",
        ("2",),
        "Models",
        "What could be served here",
        "Screens",
        always,
        leads_away=True,
    ),
    Action(
        "screen.request",
        ("3",),
        "Request",
        "Ask the model something",
        "Screens",
        always,
        leads_away=True,
    ),
    Action(
        "screen.batch",
        ("4",),
        "Batch",
        "Many requests as jobs, and their results",
        "Screens",
        always,
        leads_away=True,
    ),
    Action(
        "screen.bench",
        ("5",),
        "Bench",
        "How fast the server is: measured, kept, compared",
        "Screens",
        always,
        leads_away=True,
    ),
    Action("screen.logs", ("6",), "Logs", "The server's log", "Screens", always),
    Action(
        "screen.host",
        ("7", "o"),
        "Host",
        "The doctor, Ollama, the engine, who is on the cards",
        "Screens",
        always,
        leads_away=True,
    ),
)
