"""A file in the user's own pager, the console put aside meanwhile."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

from textual.app import App, SuspendNotSupported

# It chops long lines, so that a result is a row, and shows control characters as characters.
USUAL = "less -S"


def shown_in_pager(app: App[object], path: Path) -> str | None:
    """Show it until the user leaves it; what is in the way where that cannot be done."""
    if not path.is_file():
        return f"{path} is not there yet."
    command = pager_command()
    if command is None:
        return f"There is no pager to open {path} with: install less, or set PAGER."
    try:
        with app.suspend():
            subprocess.run([*command, str(path)], check=False)
    except (OSError, SuspendNotSupported):
        return f"This terminal cannot be handed over; look at {path} in another one."
    return None


def pager_command() -> list[str] | None:
    """$PAGER where it can be run, else less; None where there is neither."""
    for wanted in (os.environ.get("PAGER", ""), USUAL):
        with suppress(ValueError):
            words = shlex.split(wanted)
            if words and shutil.which(words[0]):
                return words
    return None
