"""Opening the console, or saying why this terminal cannot show it."""

from __future__ import annotations

import gc
import os
import sys

import click

from vconsole import paths
from vconsole.cli.options import is_readonly
from vconsole.cli.output import say


def open_console(name: str, readonly: bool = False) -> int:
    """Run the console until the user leaves it; returns its exit code."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or os.environ.get("TERM") == "dumb":
        from vconsole.cli.status import page_lines, status_from_records
        from vconsole.supervisor.autostart import running_supervisor

        say("this is no terminal that can show the console; here is the status instead")
        client = running_supervisor()
        page = client.status(name) if client else status_from_records(name)
        click.echo("\n".join(page_lines(page)))
        return 0
    # Nothing of what is imported is garbage, and looking for it is a tenth of the first paint.
    gc.disable()
    from vconsole.tui.app import run

    return run(paths.socket_path(), name, readonly or is_readonly())
