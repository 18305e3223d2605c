"""top: the overview alone, with every key that changes something out of reach."""

from __future__ import annotations

import click

from vconsole.cli.console import open_console
from vconsole.cli.options import server_name


@click.command(epilog="Example: vconsole top --name main")
@server_name
def top(name: str) -> int:
    """Watch a server and its machine; nothing can be started, stopped or changed here."""
    return open_console(name, readonly=True, alone=True)
