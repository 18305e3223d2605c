"""The batch screen."""

from __future__ import annotations

from vconsole.tui.actions.action import Action
from vconsole.tui.actions.availability import Availability, always, live


def _action(
    name: str,
    keys: tuple[str, ...],
    label: str,
    help: str,
    bar: int = 0,
    unavailable: Availability = live,
    danger: bool = False,
) -> Action:
    mutates = unavailable is live
    id = f"batch.{name}"
    return Action(id, keys, label, help, "Batch", unavailable, danger, mutates, "batch", bar)


ACTIONS = (
    _action("new", ("b",), "new batch", "Submit a file: checked, previewed, then confirmed", 1),
    _action("results", ("enter",), "results", "The latest results in full", 2, always),
    _action("pause", ("p",), "pause", "Send nothing more; what is in flight may end", 3),
    _action("resume", ("g",), "go on", "Go on where it was, also after a failure", 4),
    _action("cancel", ("C",), "cancel", "End it; what is done stays. Asks first", 5, danger=True),
    _action("retry", ("f",), "failed again", "Run again what failed, once it has ended", 6),
    _action("raise", ("plus",), "sooner", "Raise its priority: higher goes first"),
    _action("lower", ("minus",), "later", "Lower its priority"),
    _action("heavier", ("greater_than_sign",), "heavier", "Twice the share of the server"),
    _action("lighter", ("less_than_sign",), "lighter", "Half the share of the server"),
    _action("at_once", ("m",), "at once", "How many requests at once: auto, or a number"),
    _action(
        "failures", ("v",), "failures", "Show the latest failures, or answers again", 7, always
    ),
    _action("open", ("e",), "open", "Open its output in your pager, or its failures", 8, always),
    _action(
        "output", ("y",), "copy path", "Copy the path of its output to your clipboard", 9, always
    ),
    _action("forget", ("F",), "forget answers", "Clear the answer cache; asks first", danger=True),
)
