"""adopt: a foreign vLLM becomes ours, after saying what it is."""

from __future__ import annotations

import shlex
import sys

import click

from vconsole.cli.options import json_output, server_name
from vconsole.cli.output import print_json, say
from vconsole.cli.reaching import reach_supervisor
from vconsole.cli.readonly import require_writable
from vconsole.cli.watching.status import held
from vconsole.errors import ExitCode, VConsoleError
from vconsole.supervisor.model import AdoptRequest, ForeignServer


@click.command(epilog="Example: vconsole adopt 4711 --name big")
@click.argument("pid", type=click.IntRange(min=1, max=2**31 - 1))
@click.option("--yes", is_flag=True, help="Do not ask.")
@server_name
@json_output
def adopt(pid: int, yes: bool, name: str, as_json: bool) -> None:
    """Take over the vLLM whose API server is process PID; `vconsole status` lists candidates.

    From then on it is watched, stopped and restarted (with its own command line) like any other.
    """
    require_writable("adopt")
    client = reach_supervisor()
    found = client.foreign(pid)
    for line in description(found):
        say(line)
    if not yes:
        _ask(found, name)
    server = client.adopt(name, AdoptRequest(pid, found.start_ticks))
    if as_json:
        print_json(server)
    else:
        click.echo(f"{server.name} is {server.state}: {server.served_name} at {server.url}")


def description(found: ForeignServer) -> list[str]:
    """What is about to be adopted, for people."""
    return [
        f"process  {found.pid} of user {found.user}, {held(found)}",
        f"serves   {found.model} at {found.url} with vLLM {found.version}",
        f"command  {shlex.join(found.command)}",
    ]


def _ask(found: ForeignServer, name: str) -> None:
    if not sys.stdin.isatty():
        raise VConsoleError(
            "there is no terminal to ask at, and adopting needs a yes",
            f"vconsole adopt {found.pid} --name {name} --yes",
            ExitCode.USAGE,
            kind="needs_yes",
        )
    click.confirm(f"Adopt it as {name}?", default=False, abort=True, err=True)
