"""The overview."""

from __future__ import annotations

from vconsole.tui.actions.action import Action
from vconsole.tui.actions.availability import always, can_do_as_advised, has_url, heard

ACTIONS = (
    Action(
        "overview.maximise",
        ("m", "enter"),
        "maximise",
        "The panel in focus alone; tab moves, esc: back",
        "Overview",
        always,
        screen="overview",
    ),
    Action(
        "overview.window",
        ("w",),
        "time window",
        "Graphs over 1 min, 10 min, 1 h or 1 d",
        "Overview",
        always,
        screen="overview",
    ),
    Action(
        "events",
        ("e",),
        "events",
        "What happened on this machine, filtered",
        "Overview",
        heard,
        screen="overview",
        leads_away=True,
    ),
    Action(
        "report",
        (),
        "the last day",
        "What was served, failed and restarted in 24 h",
        "Overview",
        heard,
        screen="overview",
        leads_away=True,
    ),
    Action(
        "overview.pause",
        ("space",),
        "pause",
        "Freeze the screen, or let it go on",
        "Overview",
        always,
        screen="overview",
    ),
    Action(
        "overview.advice",
        ("x",),
        "do as advised",
        "Carry out what the hint says; asks first",
        "Overview",
        can_do_as_advised,
        mutates=True,
        screen="overview",
    ),
    Action(
        "overview.copy",
        ("y",),
        "copy URL",
        "Copy the server's URL to your clipboard",
        "Overview",
        has_url,
        screen="overview",
    ),
)
