"""Every action of the console, declared once: bindings, key bar, palette and help read this table.

Lower-case keys are safe, upper-case ones are dangerous and ask first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from textual.binding import Binding, BindingType

from vconsole.tui.availability import (
    always,
    failed,
    failure_line,
    has_log,
    has_url,
    heard,
    lost,
    nothing_or_stoppable,
    ready,
    several,
    startable,
)
from vconsole.tui.view import View

Availability = Callable[[View], str | None]


@dataclass(frozen=True, slots=True)
class Action:
    """`unavailable` gives the reason why not, or None; `screen` limits it to one screen.

    `bar` ranks it for the key bar (low first, 0 keeps it off).
    """

    id: str
    keys: tuple[str, ...]
    label: str
    help: str
    group: str
    unavailable: Availability
    danger: bool = False
    mutates: bool = False
    screen: str | None = None
    bar: int = 0

    @property
    def method(self) -> str:
        """Name of the method that carries it out, on the app or on its screen."""
        return "do_" + self.id.replace(".", "_")

    def reason(self, view: View) -> str | None:
        """Why it cannot be done now, in words; None where it can."""
        if self.mutates and view.readonly:
            return "this console is read-only"
        return self.unavailable(view)


ACTIONS: tuple[Action, ...] = (
    Action("screen.overview", ("1",), "Overview", "Everything at a glance", "Screens", always),
    Action("screen.request", ("3",), "Request", "Ask the model something", "Screens", always),
    Action("screen.logs", ("6",), "Logs", "The server's log", "Screens", always),
    Action(
        "server.start",
        ("s",),
        "start",
        "Start the last model, or one that you name",
        "Server",
        startable,
        mutates=True,
        bar=2,
    ),
    Action(
        "server.again",
        ("r",),
        "start again",
        "After a failure: start again as before",
        "Server",
        failed,
        mutates=True,
    ),
    Action(
        "server.smoke",
        ("t",),
        "smoke test",
        "Check that the server really answers",
        "Server",
        ready,
        mutates=True,
        bar=1,
    ),
    Action(
        "server.restart",
        ("R",),
        "restart",
        "Stop the server and start it again",
        "Server",
        nothing_or_stoppable,
        danger=True,
        mutates=True,
        bar=4,
    ),
    Action(
        "server.stop",
        ("S",),
        "stop",
        "Drain and stop the server; asks first",
        "Server",
        nothing_or_stoppable,
        danger=True,
        mutates=True,
        bar=3,
    ),
    Action(
        "server.connect",
        ("c",),
        "connect",
        "Bring a lost supervisor back",
        "Server",
        lost,
    ),
    Action(
        "server.next",
        ("n",),
        "next server",
        "Look at the next of your servers",
        "Server",
        several,
    ),
    Action(
        "server.choose",
        ("a",),
        "all servers",
        "Choose a server; see those of others and strays",
        "Server",
        heard,
    ),
    Action(
        "server.evidence",
        ("l",),
        "show in log",
        "The line of the log that shows a failure",
        "Server",
        failure_line,
    ),
    Action(
        "overview.maximise",
        ("m", "enter"),
        "maximise",
        "The panel in focus alone (tab moves on); m or esc: back",
        "Overview",
        always,
        screen="overview",
    ),
    Action(
        "overview.window",
        ("w",),
        "time window",
        "Graphs over 1 min, 10 min or 1 h",
        "Overview",
        always,
        screen="overview",
    ),
    Action(
        "overview.pause",
        ("space",),
        "pause",
        "Hold the screen as it is, or let it go on",
        "Overview",
        always,
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
    Action(
        "request.prompt",
        ("i", "enter"),
        "write",
        "To the prompt: Enter sends, ctrl+j breaks it",
        "Request",
        always,
        screen="request",
        bar=1,
    ),
    Action(
        "request.stop",
        ("escape",),
        "stop answer",
        "Stop the answer that is coming in",
        "Request",
        always,
        screen="request",
    ),
    Action(
        "request.older",
        ("left_square_bracket",),
        "older",
        "The request before, to read or send again",
        "Request",
        always,
        screen="request",
        bar=2,
    ),
    Action(
        "request.newer",
        ("right_square_bracket",),
        "newer",
        "The request after",
        "Request",
        always,
        screen="request",
        bar=3,
    ),
    Action(
        "request.parameters",
        ("p", "f2"),
        "parameters",
        "System prompt, length, temperature; or fold",
        "Request",
        always,
        screen="request",
        bar=4,
    ),
    Action(
        "request.copy",
        ("y",),
        "copy",
        "Copy the answer to your clipboard",
        "Request",
        always,
        screen="request",
        bar=5,
    ),
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
        "Go to the first error, then to the next",
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
        "Break long lines, or cut them",
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
BY_ID = {action.id: action for action in ACTIONS}


def bindings_for(screen: str | None) -> list[BindingType]:
    """Textual's bindings of the actions of one screen; None is for those that hold everywhere."""
    return [
        Binding(
            ",".join(action.keys),
            f"app.perform('{action.id}')",
            action.label,
            show=False,
            tooltip=action.help,
            id=action.id,
        )
        for action in ACTIONS
        if action.screen == screen and action.keys
    ]


def on_screen(screen: str) -> Iterable[Action]:
    """The actions that keys reach on `screen`."""
    return (action for action in ACTIONS if action.screen in (None, screen))


KEY_NAMES = {
    "slash": "/",
    "question_mark": "?",
    "escape": "esc",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
}


def key_name(key: str) -> str:
    """A key as people write it."""
    return KEY_NAMES.get(key, key)
