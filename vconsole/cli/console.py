"""Opening the console, or saying why this terminal cannot show it."""

from __future__ import annotations

import gc
import os
import sys

from vconsole import paths
from vconsole.cli.output import say
from vconsole.cli.reaching import running_supervisor
from vconsole.cli.readonly import is_readonly


def is_in_browser() -> bool:
    """Whether `serve-web` shows this console, over pipes of textual-serve."""
    return os.environ.get("TEXTUAL_DRIVER", "").endswith(":WebDriver")


def open_console(name: str, readonly: bool = False, alone: bool = False) -> int:
    """Run the console until the user leaves it; returns its exit code."""
    # A stream that was closed is None.
    streams = all(stream and stream.isatty() for stream in (sys.stdin, sys.stdout))
    terminal = streams and os.environ.get("TERM") != "dumb"
    if not terminal and not is_in_browser():
        from vconsole.cli.watching.status import page_lines, status_from_records

        say("this is no terminal that can show the console; here is the status instead")
        client = running_supervisor()
        page = client.status(name) if client else status_from_records(name)
        sys.stdout.write("\n".join(page_lines(page)) + "\n")
        return 0
    # Nothing of what is imported is garbage, and looking for it is a tenth of the first paint.
    gc.disable()
    from vconsole.tui.opening import run

    client = running_supervisor()
    socket_path = client.socket_path if client else paths.socket_path()
    return run(socket_path, name, readonly or is_readonly(), alone)
