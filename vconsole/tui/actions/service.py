"""The screen of the unit of systemd."""

from __future__ import annotations

from functools import partial

from vconsole.tui.actions.action import Action
from vconsole.tui.actions.availability import always

_service = partial(Action, group="Service", screen="service", unavailable=always)

ACTIONS = (
    _service("service.preview", ("p",), "preview", "The unit as an install would write it", bar=1),
    _service("service.diff", ("d",), "diff", "What an install would change", bar=2),
    _service("service.journal", ("e",), "journal", "The supervisor's own log in systemd", bar=3),
    _service("service.scope", ("w",), "whose", "Your own unit, or the machine's", bar=4),
    _service(
        "service.install",
        ("I",),
        "install",
        "Write the unit, enable it, hand over what runs; asks first",
        danger=True,
        mutates=True,
        bar=5,
    ),
    _service(
        "service.uninstall",
        ("X",),
        "uninstall",
        "Stop what it serves and remove the unit; asks first",
        danger=True,
        mutates=True,
        bar=6,
    ),
    _service("service.copy", ("y",), "copy", "Copy the command to run, or the text shown"),
    _service("service.look", ("space",), "look", "Read everything again"),
    _service("service.back", ("escape",), "back", "Back to the host", bar=7),
)
