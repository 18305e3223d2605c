"""serve-web: the console in a browser, on this machine alone unless told otherwise."""

from __future__ import annotations

import importlib.util
import ipaddress
import sys

import click

from vconsole.cli.options import server_name
from vconsole.errors import ExitCode, VConsoleError

INSTALL = "install it: `pip install 'vconsole[web]'`"


@click.command(epilog="Example: vconsole serve-web --port 8090")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    metavar="ADDRESS",
    help="Address to listen on.",
)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    metavar="N",
    default=8090,
    show_default=True,
    help="Port to listen on.",
)
@click.option("--url", metavar="URL", help="The address that the browser uses, such as a proxy's.")
@click.option("--beyond-loopback", is_flag=True, help="Allow a --host that others can reach.")
@server_name
def serve_web(host: str, port: int, url: str | None, beyond_loopback: bool, name: str) -> None:
    """Show the console in a browser, until interrupted. The printed address holds its key."""
    _require_loopback(host, beyond_loopback)
    if importlib.util.find_spec("textual_serve") is None:
        raise VConsoleError("the console in a browser needs textual-serve", INSTALL)
    from vconsole.tui.web import WebConsole

    command = [sys.executable, "-m", "vconsole.cli", "--name", name]
    WebConsole(command, host, port, url.rstrip("/") if url else None).run()


def _require_loopback(host: str, beyond_loopback: bool) -> None:
    if beyond_loopback or _is_loopback(host):
        return
    raise VConsoleError(
        f"--host {host} can be reached by others, and they could read along",
        "use a tunnel (`ssh -L 8090:127.0.0.1:8090 HOST`), or add --beyond-loopback",
        ExitCode.REFUSED,
    )


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
