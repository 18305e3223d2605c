"""supervisor: the background process itself."""

from __future__ import annotations

import time

import click

from vconsole import paths
from vconsole.cli.options import json_output
from vconsole.cli.output import duration, print_json, say
from vconsole.cli.reaching import running_supervisor
from vconsole.cli.readonly import require_writable
from vconsole.errors import ExitCode, VConsoleError
from vconsole.supervisor.autostart import wait_until_left
from vconsole.supervisor.model import SupervisorInfo

PATIENCE_S = 90.0


@click.group(epilog="Example: vconsole supervisor status")
def supervisor() -> None:
    """The background process that owns the servers; started by the first command that needs it."""


@supervisor.command(epilog="Example: vconsole supervisor run --serve demo")
@click.option("--serve", metavar="PROFILE", help="Serve this too, and stop it with the supervisor.")
def run(serve: str | None) -> None:
    """Run it in the foreground with its log on stderr, until interrupted.

    Servers keep running. With --serve, as in a systemd unit or a container, they are drained and
    stopped too, and come back with the next supervisor.
    """
    from vconsole.supervisor.__main__ import main

    raise click.exceptions.Exit(main(serve))


@supervisor.command(epilog="Only a unit runs this: see `vconsole service install --print`")
def reap() -> None:
    """End the servers of a service that was stopped; leave those of one that crashed."""
    from vconsole.supervisor.__main__ import log_to_stderr
    from vconsole.supervisor.unit.reaping import reap

    log_to_stderr()
    reap()


@supervisor.command(epilog="Example: vconsole supervisor status --json")
@json_output
def status(as_json: bool) -> None:
    """Show whether it runs, its version, and where its socket is."""
    client = running_supervisor()
    info = client.info() if client else SupervisorInfo(socket=str(paths.socket_path()))
    if as_json:
        print_json(info)
    elif info.alive:
        owner = f"{info.owner} ({info.unit})" if info.unit else info.owner
        click.echo(f"supervisor {info.version}, pid {info.pid}, owner {owner}, {info.socket}")
        if info.group:
            click.echo(f"everybody may look, members of {info.group} may act")
        if info.survival_note:
            click.echo(info.survival_note)
    else:
        click.echo(f"no supervisor runs ({info.socket}); the first command that needs it starts it")


@supervisor.command(epilog="Example: vconsole supervisor stop --servers stop")
@click.option(
    "--servers",
    type=click.Choice(["keep", "stop"]),
    default="keep",
    show_default=True,
    help="What becomes of the servers; a later supervisor adopts those that are kept.",
)
@json_output
def stop(servers: str, as_json: bool) -> None:
    """Stop it. The servers keep running unless told otherwise."""
    require_writable("supervisor stop")
    client = running_supervisor()
    if client is None:
        raise VConsoleError(
            "no supervisor runs", exit_code=ExitCode.NO_SERVER, kind="no_supervisor"
        )
    begun_s = time.monotonic()
    running = [one.name for one in client.status().servers if one.pid]
    info = client.shut_down(servers)
    if not wait_until_left(client, info.pid, PATIENCE_S):
        raise VConsoleError(
            f"supervisor {info.pid} has not left after {PATIENCE_S:.0f} s",
            f"{paths.supervisor_log_path()} says why",
            ExitCode.TIMED_OUT,
        )
    if as_json:
        print_json({"pid": info.pid, "stopped": True, "servers": servers})
    else:
        after = duration(time.monotonic() - begun_s)
        fate = "keeps running" if servers == "keep" else "is stopped"
        words = "".join(f"; {name} {fate}" for name in running)
        say(f"supervisor {info.pid} has left after {after}{words}")
