"""What a server may be called: its name is a folder, a part of URLs and a word in commands."""

from __future__ import annotations

import re

from vconsole.errors import ExitCode, VConsoleError

NAME = re.compile(r"[a-z0-9][a-z0-9_.\-]{0,39}\Z")


def checked_name(name: str) -> str:
    """The name itself, or a usage error that says what a name is."""
    if not NAME.match(name):
        raise VConsoleError(
            f"{name!r} is no name for a server",
            "use up to 40 of a-z, 0-9, `-`, `_` and `.`",
            ExitCode.USAGE,
        )
    return name
