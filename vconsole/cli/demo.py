"""demo: from nothing to a served demo model with a passed smoke test, in one command."""

from __future__ import annotations

import os
import sys

import click

from vconsole import settings
from vconsole.cli.console import open_console
from vconsole.cli.models.first_model import choose_first_model
from vconsole.cli.options import json_output, server_name
from vconsole.cli.output import duration, print_json, say
from vconsole.cli.reaching import reach_supervisor
from vconsole.cli.readonly import require_writable
from vconsole.cli.requests.smoke import report_lines, run_smoke_test
from vconsole.cli.servers.follow import PhasePrinter, follow
from vconsole.engine.command.command import passed_on
from vconsole.engine.find import Engine, find_engine
from vconsole.errors import ExitCode, VConsoleError
from vconsole.models.demo import DEFAULT_DEMO
from vconsole.supervisor.client import SupervisorClient
from vconsole.supervisor.model import ServerState, ServerStatus, SmokeReport, StartRequest

TRIED_PORTS = 20


@click.command(epilog="Example: vconsole demo --headless --json")
@click.option("--headless", is_flag=True, help="Print a report and leave the server running.")
@click.option("--port", type=click.IntRange(1, 65535), metavar="N", help="Port to listen on.")
@server_name
@json_output
def demo(headless: bool, port: int | None, name: str, as_json: bool) -> int:
    """Install vLLM if it is missing, serve the demo model, smoke-test it, and open the console."""
    require_writable("demo")
    engine = _engine()
    asked = not (headless or as_json) and sys.stdin.isatty()
    client = reach_supervisor()
    server = _served(client, name, port, asked and engine.device == "cuda")
    report = run_smoke_test(client, name)
    if as_json:
        print_json({"ready_s": server.ready_s, "smoke": report, "url": server.url})
    else:
        click.echo("\n".join(_report(engine, server, report)))
    if not report.passed:
        return int(ExitCode.FAILED)
    if headless or as_json or not sys.stdout.isatty():
        return int(ExitCode.DONE)
    return open_console(name)


def _engine() -> Engine:
    """The engine, installed first where there is none."""
    found = find_engine(settings.load())
    if found is None:
        found = _install()
    say(f"engine   vLLM {found.version} ({found.device}), {found.path}")
    return found


def _install() -> Engine:
    from vconsole.engine.installing.install import install_engine
    from vconsole.engine.installing.plan import InstallRequest, make_plan
    from vconsole.host.cuda import cuda_facts

    say("no vLLM yet: installing it into an environment of its own")
    plan = make_plan(InstallRequest(), cuda_facts())
    for line in plan.lines:
        say(line)
    return install_engine(plan, say)


def _served(client: SupervisorClient, name: str, port: int | None, may_ask: bool) -> ServerStatus:
    """The server, ready: the one that runs already, or one started now.

    That is the demo model, or on a GPU host what the user agreed to.
    """
    server = client.server(name)
    if server.state is ServerState.READY:
        say(f"server   {server.served_name} runs already at {server.url}")
        return server
    first = None
    if server.state is ServerState.STARTING:
        operation = next(one for one in client.status(name).operations if one.server == name)
    else:
        first = choose_first_model() if may_ask else None
        model = first.model if first else DEFAULT_DEMO
        say(f"starting {model} …")
        request = StartRequest(
            model=model,
            port=port or _free_port(),
            flags=first.flags if first else (),
            env={**passed_on(os.environ), **(first.env if first else {})},
        )
        operation = client.start(name, request)
    try:
        _, status = follow(client, operation, report=PhasePrinter())
    except VConsoleError as error:
        if first is None:
            raise
        raise _with_the_demo(error) from error
    return status.server


def _with_the_demo(error: VConsoleError) -> VConsoleError:
    """The way on where the model that was agreed to does not start."""
    way_on = "the demo model needs no download: vconsole start demo"
    remedy = f"{error.remedy} Meanwhile {way_on}" if error.remedy else way_on
    return VConsoleError(error.message, remedy, error.exit_code, error.kind)


def _free_port() -> int:
    """The port of the settings, or the next that is free: a demo should not fail on a busy one."""
    from vconsole.supervisor.processes.process import port_is_free

    chosen = settings.load().server
    for port in range(chosen.port, chosen.port + TRIED_PORTS):
        if port_is_free(chosen.host, port):
            return port
    return chosen.port


def _report(engine: Engine, server: ServerStatus, report: SmokeReport) -> list[str]:
    return [
        *report_lines(report),
        "",
        f"{server.served_name} answers at {server.url} (ready after {duration(server.ready_s)}, "
        f"vLLM {engine.version} on {engine.device})",
        "next: vconsole ask 'Who are you?'   vconsole status   vconsole logs -f   vconsole stop",
        "the console: vconsole",
    ]
