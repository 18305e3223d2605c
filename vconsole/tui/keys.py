"""`python -m vconsole.tui.keys > docs/keys.md`: all keys from the table of actions."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from vconsole.tui.actions import ACTIONS, Action, key_name

HEAD = """\
# Keys

Written by `python -m vconsole.tui.keys` from the console's table of actions; `?` shows the same.
Lower case is safe; upper case is dangerous, says what will happen, and waits for `y`.
A key that cannot act now says why.
"""


def as_markdown() -> str:
    """One table per group, in the order of the actions."""
    groups = dict.fromkeys(action.group for action in ACTIONS)
    return HEAD + "".join(
        "\n" + "\n".join(_table(group, [a for a in ACTIONS if a.group == group])) + "\n"
        for group in groups
    )


def _table(group: str, actions: Iterable[Action]) -> Iterator[str]:
    yield from (
        f"## {group}",
        "",
        "| key | action | what it does | id |",
        "| --- | --- | --- | --- |",
    )
    for action in actions:
        keys = ", ".join(f"`{key_name(key)}`" for key in action.keys) or "in the palette"
        yield f"| {keys} | {action.label} | {action.help} | `{action.id}` |"


if __name__ == "__main__":
    sys.stdout.write(as_markdown())
