"""start, stop, restart."""

from __future__ import annotations

import os

import click

from vconsole.cli import completing
from vconsole.cli.options import json_output, server_name
from vconsole.cli.output import duration, print_json, say
from vconsole.cli.reaching import reach_supervisor
from vconsole.cli.readonly import require_writable
from vconsole.cli.servers.follow import follow
from vconsole.cli.servers.starting import start_and_wait, under_way, wait_for_start
from vconsole.engine.command.command import passed_on
from vconsole.errors import ExitCode, VConsoleError
from vconsole.models.resolve import absolute_if_folder
from vconsole.supervisor.model import StartRequest

FLAGS = {"ignore_unknown_options": False}


@click.command(
    context_settings=FLAGS,
    epilog="Example: vconsole start demo --port 8001 -- --max-model-len 1024",
)
@click.argument("model", required=False, shell_complete=completing.models)
@click.argument("flags", nargs=-1, type=click.UNPROCESSED, metavar="[-- VLLM FLAGS]")
@click.option("--port", type=click.IntRange(1, 65535), metavar="N", help="Port to listen on.")
@click.option("--host", metavar="ADDRESS", help="Address to bind to.  [default: 127.0.0.1]")
@click.option("--served-name", metavar="NAME", help="What clients call the model.")
@click.option("--no-wait", is_flag=True, help="Return as soon as the start is under way.")
@click.option(
    "--timeout", type=float, metavar="S", help="Wait at most so many seconds (exit code 4)."
)
@click.option(
    "--adapt",
    is_flag=True,
    help="If it fails, try once more with the flags that the failure suggests.",
)
@click.option("--anyway", is_flag=True, help="Start even where the plan expects a failure.")
@server_name
@json_output
def start(
    model: str | None,
    flags: tuple[str, ...],
    port: int | None,
    host: str | None,
    served_name: str | None,
    no_wait: bool,
    timeout: float | None,
    adapt: bool,
    anyway: bool,
    name: str,
    as_json: bool,
) -> None:
    """Start MODEL (a folder, OWNER/NAME of the Hub, `demo`, a profile); wait until it is ready.

    Without MODEL the last one is started again. Everything after -- goes to vLLM unchanged. The
    plan is shown first; it adds the flags that make the best of the card where you gave none.
    """
    require_writable("start")
    if model and model.startswith("-"):
        raise VConsoleError(f"{model} looks like a flag", "name the model first", ExitCode.USAGE)
    request = StartRequest(
        model=absolute_if_folder(model) if model else None,
        port=port,
        host=host,
        served_name=served_name,
        flags=flags,
        env=passed_on(os.environ),
        adapt=adapt,
        anyway=anyway,
    )
    client = reach_supervisor()
    if no_wait:
        under_way(client, client.start(name, request), as_json)
    else:
        start_and_wait(client, name, request, timeout, as_json)


@click.command(epilog="Example: vconsole restart")
@click.option("--no-wait", is_flag=True, help="Return as soon as the restart is under way.")
@click.option(
    "--timeout", type=float, metavar="S", help="Wait at most so many seconds (exit code 4)."
)
@server_name
@json_output
def restart(no_wait: bool, timeout: float | None, name: str, as_json: bool) -> None:
    """Stop the server and start it again with the same command line."""
    require_writable("restart")
    client = reach_supervisor()
    operation = client.restart(name)
    if no_wait:
        under_way(client, operation, as_json)
    else:
        wait_for_start(client, operation, timeout, as_json)


@click.command(epilog="Example: vconsole stop --drain 60")
@click.option(
    "--drain",
    type=click.FloatRange(min=0),
    metavar="S",
    help="Seconds that requests in flight get.",
)
@click.option("--no-wait", is_flag=True, help="Return as soon as the stop is under way.")
@click.option(
    "--timeout", type=float, metavar="S", help="Wait at most so many seconds (exit code 4)."
)
@server_name
@json_output
def stop(
    drain: float | None, no_wait: bool, timeout: float | None, name: str, as_json: bool
) -> None:
    """Let requests in flight finish, stop the server, and return when all of it is gone."""
    require_writable("stop")
    client = reach_supervisor()
    operation = client.stop(name, drain)
    if no_wait:
        under_way(client, operation, as_json)
        return
    ended, status = follow(client, operation, timeout)
    if as_json:
        print_json(
            {
                "state": status.server.state,
                "seconds": ended.seconds,
                "survivors": status.server.survivors,
                "gpu_memory_released": ended.gpu_memory_released,
            }
        )
    else:
        say(f"{name} is stopped: every process gone, port free ({duration(ended.seconds)})")
        if ended.gpu_memory_note:
            say(f"  {ended.gpu_memory_note}")
