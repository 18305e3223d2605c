"""start, stop, restart."""

from __future__ import annotations

import os

import click

from vconsole.cli.follow import PhasePrinter, follow
from vconsole.cli.options import json_output, require_writable, server_name
from vconsole.cli.output import duration, print_json, say
from vconsole.cli.reaching import reach_supervisor
from vconsole.engine.command import passed_on
from vconsole.errors import ExitCode, VConsoleError
from vconsole.models.resolve import absolute_if_folder
from vconsole.supervisor.client import SupervisorClient
from vconsole.supervisor.model import Operation, ServerStatus, StartRequest

FLAGS = {"ignore_unknown_options": False}


@click.command(
    context_settings=FLAGS,
    epilog="Example: vconsole start demo --port 8001 -- --max-model-len 1024",
)
@click.argument("model", required=False)
@click.argument("flags", nargs=-1, type=click.UNPROCESSED, metavar="[-- VLLM FLAGS]")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on.")
@click.option("--host", help="Address to bind to.  [default: 127.0.0.1]")
@click.option("--served-name", metavar="NAME", help="What clients call the model.")
@click.option("--no-wait", is_flag=True, help="Return as soon as the start is under way.")
@click.option("--timeout", type=float, metavar="S", help="Wait at most so long (exit code 4).")
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
    name: str,
    as_json: bool,
) -> None:
    """Start MODEL (a folder, OWNER/NAME of the Hub, `demo`, a profile); wait until it is ready.

    Without MODEL the last one is started again. What stands behind -- goes to vLLM as it is.
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
    )
    client = reach_supervisor()
    operation = client.start(name, request)
    _wait_for_start(client, operation, no_wait, timeout, as_json)


@click.command(epilog="Example: vconsole restart")
@click.option("--no-wait", is_flag=True, help="Return as soon as the restart is under way.")
@click.option("--timeout", type=float, metavar="S", help="Wait at most so long (exit code 4).")
@server_name
@json_output
def restart(no_wait: bool, timeout: float | None, name: str, as_json: bool) -> None:
    """Stop the server and start it again with the same command line."""
    require_writable("restart")
    client = reach_supervisor()
    _wait_for_start(client, client.restart(name), no_wait, timeout, as_json)


@click.command(epilog="Example: vconsole stop --drain 60")
@click.option(
    "--drain", type=click.FloatRange(min=0), metavar="S", help="Seconds for requests in flight."
)
@click.option("--no-wait", is_flag=True, help="Return as soon as the stop is under way.")
@click.option("--timeout", type=float, metavar="S", help="Wait at most so long (exit code 4).")
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
        _under_way(operation, client.server(name), as_json)
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


def _wait_for_start(
    client: SupervisorClient,
    operation: Operation,
    no_wait: bool,
    timeout_s: float | None,
    as_json: bool,
) -> None:
    server = client.server(operation.server)
    if no_wait:
        _under_way(operation, server, as_json)
        return
    say(f"{operation.kind} of {operation.server} …")
    try:
        _, status = follow(client, operation, timeout_s, PhasePrinter())
    except KeyboardInterrupt:
        say("\nthe start goes on; `vconsole status --watch` follows it, `vconsole stop` ends it")
        raise
    server = status.server
    for warning in server.warnings:
        say(f"warning: {warning}")
    if as_json:
        print_json(_start_result(server))
    else:
        click.echo(
            f"{server.served_name} is ready at {server.url} after {duration(server.ready_s)}"
        )


def _under_way(operation: Operation, server: ServerStatus, as_json: bool) -> None:
    if as_json:
        print_json({**_start_result(server), "operation": operation.id})
    else:
        say(f"the {operation.kind} of {operation.server} is under way: vconsole status --watch")


def _start_result(server: ServerStatus) -> dict[str, object]:
    return {
        "state": server.state,
        "pid": server.pid,
        "url": server.url,
        "model": server.model,
        "served_name": server.served_name,
        "ready_s": server.ready_s,
        "phases": [{"name": phase.name, "seconds": phase.seconds} for phase in server.phases],
    }
