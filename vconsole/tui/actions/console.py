"""The console itself."""

from __future__ import annotations

from vconsole.tui.actions.action import Action
from vconsole.tui.actions.availability import always

ACTIONS = (
    Action(
        "console.help",
        ("question_mark", "f1"),
        "help",
        "All keys",
        "Console",
        always,
        bar=90,
    ),
    Action(
        "console.palette", ("ctrl+p",), "commands", "Find any action by name", "Console", always
    ),
    Action(
        "console.screenshot",
        ("f12",),
        "screenshot",
        "Write the screen to an SVG file",
        "Console",
        always,
    ),
    Action("console.theme", (), "theme", "Choose another theme", "Console", always),
    Action(
        "console.leave",
        ("q", "ctrl+q"),
        "leave",
        "Leave the console; the server keeps running",
        "Console",
        always,
        bar=91,
    ),
)
