"""A start as a command: waiting for it, its plan and phases, and what to do where it fails."""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace

import click

from vconsole.cli.output import duration, print_json, say
from vconsole.cli.servers.follow import PhasePrinter, follow
from vconsole.cli.servers.plan import PlanPrinter
from vconsole.engine.command.flags import replaced
from vconsole.errors import VConsoleError
from vconsole.supervisor.client import SupervisorClient
from vconsole.supervisor.model import (
    Operation,
    OperationState,
    ServerState,
    ServerStatus,
    StartRequest,
)

# A plan reads the headers of the weights; a first look at vLLM's options takes some five seconds.
PLANNED = "plan"


def start_and_wait(
    client: SupervisorClient,
    name: str,
    request: StartRequest,
    timeout_s: float | None,
    as_json: bool,
) -> None:
    """Start and wait; at a terminal a refusal, or a failure with a way out, is asked about."""
    try:
        wait_for_start(client, client.start(name, request), timeout_s, as_json)
    except VConsoleError as error:
        better = _way_out(client.server(name), request, error)
        if better is None:
            raise
        changed, question = better
        if as_json or not _somebody_answers() or not _agreed(error, question):
            command = start_command(name, changed)
            remedy = error.remedy if command in (error.remedy or "") else _joined(error, command)
            raise VConsoleError(error.message, remedy, error.exit_code, error.kind) from error
        wait_for_start(client, client.start(name, changed), timeout_s, as_json)


def wait_for_start(
    client: SupervisorClient, operation: Operation, timeout_s: float | None, as_json: bool
) -> None:
    say(f"{operation.kind} of {operation.server} …")
    try:
        ended, status = follow(client, operation, timeout_s, PhasePrinter(), PlanPrinter())
    except KeyboardInterrupt:
        say("\nthe start goes on; `vconsole status --watch` follows it, `vconsole stop` ends it")
        raise
    server = status.server
    for change in ended.adapted:
        say(f"adapted: {change}")
    for warning in server.warnings:
        say(f"warning: {warning}")
    if server.measured and server.measured.text:
        say(f"measured {server.measured.text}")
    if as_json:
        how = {"rolled_back": ended.rolled_back, "steps": ended.steps}
        print_json({**start_result(server), **how, "plan": ended.plan, "adapted": ended.adapted})
    else:
        click.echo(
            f"{server.served_name} is ready at {server.url} after {duration(server.ready_s)}"
        )


def under_way(client: SupervisorClient, operation: Operation, as_json: bool) -> None:
    """What `--no-wait` says: once the plan is made, since a start may be refused by it."""
    operation = _planned(client, operation)
    server = client.server(operation.server)
    if as_json:
        result = {**start_result(server), "plan": operation.plan}
        print_json({**result, "operation": operation.id})
    else:
        PlanPrinter()(operation)
        say(f"the {operation.kind} of {operation.server} is under way: vconsole status --watch")


def start_result(server: ServerStatus) -> dict[str, object]:
    return {
        "state": server.state,
        "pid": server.pid,
        "url": server.url,
        "model": server.model,
        "served_name": server.served_name,
        "ready_s": server.ready_s,
        "measured": server.measured,
        "phases": [{"name": phase.name, "seconds": phase.seconds} for phase in server.phases],
    }


def start_command(name: str, request: StartRequest) -> str:
    """The command line that makes this request, to be copied as it is."""
    words = ["vconsole", "start"]
    words += [request.model] if request.model else []
    words += ["--name", name] if name != "main" else []
    given = {"--port": request.port, "--host": request.host, "--served-name": request.served_name}
    for option, value in given.items():
        words += [] if value is None else [option, str(value)]
    words += ["--adapt"] if request.adapt else []
    words += ["--anyway"] if request.anyway else []
    words += ["--", *request.flags] if request.flags else []
    return shlex.join(words)


def _planned(client: SupervisorClient, operation: Operation) -> Operation:
    """The operation as it is when its plan is made; a refusal is raised."""
    for status in client.watch(operation.server):
        found = next((one for one in status.operations if one.id == operation.id), operation)
        if found.error and found.state is OperationState.FAILED:
            follow(client, found)
        if found.kind != "start" or any(step.name != PLANNED for step in found.steps):
            return found
    return operation


def _way_out(
    server: ServerStatus, request: StartRequest, error: VConsoleError
) -> tuple[StartRequest, str] | None:
    """Another request that may go better, and the question that offers it."""
    failure = server.last_failure
    if error.kind == "too_big" and not request.anyway:
        return replace(request, anyway=True), "start it anyway?"
    of_this_start = server.state is ServerState.FAILED and failure is not None
    if failure is None or not of_this_start or not failure.suggested_flags:
        return None
    if error.kind not in (failure.cause, "failed_before"):
        return None
    flags = replaced(request.flags, failure.suggested_flags)
    words = " ".join(failure.suggested_flags)
    return replace(request, flags=flags, adapt=False), f"start again with {words}?"


def _joined(error: VConsoleError, command: str) -> str:
    return f"{error.remedy}\n      run: {command}" if error.remedy else f"run: {command}"


def _somebody_answers() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _agreed(error: VConsoleError, question: str) -> bool:
    say(f"error: {error.message}")
    return click.confirm(question, default=False, err=True)
