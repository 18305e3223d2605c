"""The bench screen."""

from __future__ import annotations

from vconsole.tui.actions.action import Action
from vconsole.tui.actions.availability import Availability, always, live


def _action(
    name: str,
    keys: tuple[str, ...],
    label: str,
    help: str,
    bar: int = 0,
    unavailable: Availability = always,
    danger: bool = False,
    mutates: bool = False,
) -> Action:
    id = f"bench.{name}"
    return Action(id, keys, label, help, "Bench", unavailable, danger, mutates, "bench", bar)


ACTIONS = (
    _action(
        "new", ("b",), "new bench", "Ask for a sweep, shown before it runs", 1, live, False, True
    ),
    _action("page", ("enter",), "all of it", "Every figure, sentence and answer on one page", 2),
    _action("view", ("v",), "view", "Plot, differences, the server's view, answers, conditions", 3),
    _action(
        "compare", ("x",), "compare", "Hold this one: the next that is marked is told by it", 4
    ),
    _action("export", ("e",), "export", "Write it as JSON, CSV, Markdown or SVG", 5),
    _action(
        "again", ("u",), "again", "The form with what this one was asked for", 6, live, False, True
    ),
    _action(
        "resume",
        ("g",),
        "go on",
        "Measure what is missing of a cancelled or failed one",
        7,
        live,
        False,
        True,
    ),
    _action(
        "cancel",
        ("C",),
        "cancel",
        "End it; what was measured stays. Asks first",
        8,
        live,
        True,
        True,
    ),
    _action("axis", ("i",), "axis", "The plot's latency: E2E, TTFT or ITL"),
    _action("command", ("y",), "copy command", "Copy the command line that measures the same"),
    _action("forget", ("D",), "forget", "Delete a kept bench; asks first", 0, always, True, True),
)
