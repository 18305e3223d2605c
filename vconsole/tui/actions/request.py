"""The request screen."""

from __future__ import annotations

from vconsole.tui.actions.action import Action
from vconsole.tui.actions.availability import always


def _action(
    name: str, keys: tuple[str, ...], label: str, help: str, bar: int = 0, danger: bool = False
) -> Action:
    return Action(
        f"request.{name}", keys, label, help, "Request", always, danger, screen="request", bar=bar
    )


ACTIONS = (
    _action("prompt", ("i", "enter"), "write", "To the prompt: Enter sends, ctrl+j breaks it", 1),
    _action("stop", ("escape",), "stop answer", "Stop the answer that is coming in"),
    _action("again", ("f5", "full_stop"), "again", "Send the request on show once more, as it was"),
    _action("older", ("left_square_bracket",), "older", "The request before", 2),
    _action("newer", ("right_square_bracket",), "newer", "The request after", 3),
    _action("find", ("slash", "ctrl+r"), "find", "Search all that you asked, also earlier", 4),
    _action("parameters", ("p", "f2"), "parameters", "Parameters of the next request; or fold", 5),
    _action("go_on", ("g", "f3"), "go on", "The next request continues this chat, or not"),
    _action("raw", ("f4",), "chat or raw", "Send as a chat or as a plain completion"),
    _action("next", ("greater_than_sign", "f6"), "next answer", "The next of several answers"),
    _action("previous", ("less_than_sign",), "answer before", "The answer before, of several"),
    _action("fold", ("e",), "fold", "Hide or show reasoning and the arguments of tools"),
    _action("copy", ("y",), "copy", "Copy the answer to your clipboard", 6),
    _action("curl", ("u",), "as curl", "Copy the request as a curl command", 7),
    _action("python", ("d",), "as Python", "Copy the request as a Python script (openai)"),
    _action("batch_line", ("b",), "as batch line", "Copy the request as a line of a batch"),
    _action("forget", ("F",), "forget", "Remove the history of requests; asks first", danger=True),
)
