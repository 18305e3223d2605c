"""swap: another model in place of the one that runs."""

from __future__ import annotations

import os

import click

from vconsole.cli import completing
from vconsole.cli.options import json_output, server_name
from vconsole.cli.output import duration, print_error, print_json, say
from vconsole.cli.reaching import reach_supervisor
from vconsole.cli.readonly import require_writable
from vconsole.cli.servers.follow import error_of, follow
from vconsole.cli.servers.swap_following import until_swapped
from vconsole.engine.command.command import passed_on
from vconsole.errors import ExitCode, VConsoleError
from vconsole.models.resolve import absolute_if_folder
from vconsole.supervisor.client import SupervisorClient
from vconsole.supervisor.model import JobsRule, Operation, Step, SwapRequest


@click.command(epilog="Example: vconsole swap demo-owl --wait-requests")
@click.argument("model", metavar="MODEL|PROFILE", required=False, shell_complete=completing.models)
@click.argument("flags", nargs=-1, type=click.UNPROCESSED, metavar="[-- VLLM FLAGS]")
@click.option(
    "--port", type=click.IntRange(1, 65535), metavar="N", help="A port other than the old one's."
)
@click.option("--served-name", metavar="NAME", help="What clients call the model.")
@click.option("--keep-name", is_flag=True, help="Keep the name that clients use now.")
@click.option(
    "--drain",
    type=click.FloatRange(min=0),
    metavar="S",
    help="Seconds that requests in flight get.",
)
@click.option(
    "--wait-requests/--refuse-requests",
    "holds",
    default=None,
    help="Hold requests that arrive meanwhile, or answer 503.  [default: as the profile says]",
)
@click.option(
    "--jobs",
    type=click.Choice([rule.value for rule in JobsRule]),
    default=JobsRule.REFUSE.value,
    show_default=True,
    help="What to do about a job that is using the old model.",
)
@click.option("--when-idle", is_flag=True, help="Wait until nothing is in flight.")
@click.option("--cancel", is_flag=True, help="Give up a swap that waits or is being prepared.")
@click.option("--no-wait", is_flag=True, help="Return as soon as the swap is under way.")
@click.option(
    "--timeout", type=float, metavar="S", help="Wait at most so many seconds (exit code 4)."
)
@server_name
@json_output
def swap(
    model: str | None,
    flags: tuple[str, ...],
    port: int | None,
    served_name: str | None,
    keep_name: bool,
    drain: float | None,
    holds: bool | None,
    jobs: str,
    when_idle: bool,
    cancel: bool,
    no_wait: bool,
    timeout: float | None,
    name: str,
    as_json: bool,
) -> None:
    """Replace the running model with MODEL (a folder, OWNER/NAME of the Hub, a profile).

    Drain, stop, start on the same port, smoke test; if anything fails, the old model is put back
    (exit code 1). Whatever can be prepared is prepared while the old one still serves.
    """
    require_writable("swap")
    if cancel and model is None:
        _cancel(name, as_json)
        return
    if cancel or model is None:
        wrong = "--cancel takes no model" if cancel else "no model is named"
        raise VConsoleError(wrong, "vconsole swap --help", ExitCode.USAGE)
    if model.startswith("-"):
        raise VConsoleError(f"{model} looks like a flag", "name the model first", ExitCode.USAGE)
    if keep_name and served_name:
        raise VConsoleError(
            "--keep-name and --served-name exclude each other", "give one", ExitCode.USAGE
        )
    client = reach_supervisor()
    operation = client.swap(
        name,
        SwapRequest(
            model=absolute_if_folder(model),
            port=port,
            served_name=client.server(name).served_name if keep_name else served_name,
            flags=flags,
            env=passed_on(os.environ),
            drain_s=drain,
            holds_requests=holds,
            jobs=JobsRule(jobs),
            when_idle=when_idle or jobs == JobsRule.WAIT,
        ),
    )
    if no_wait:
        _under_way(operation, as_json)
        return
    _wait(client, operation, timeout, as_json)


def _cancel(name: str, as_json: bool) -> None:
    client = reach_supervisor()
    follow(client, client.cancel_swap(name))
    server = client.server(name)
    if as_json:
        print_json({"cancelled": True, "state": server.state, "model": server.model})
    else:
        click.echo(f"the swap is cancelled; {server.served_name} is {server.state}")


def _under_way(operation: Operation, as_json: bool) -> None:
    if as_json:
        print_json({"operation": operation.id, "steps": operation.steps})
    else:
        say(f"the swap of {operation.server} is under way: vconsole status --watch")


def _wait(
    client: SupervisorClient, operation: Operation, timeout_s: float | None, as_json: bool
) -> None:
    steps = StepPrinter()
    try:
        ended, status = until_swapped(client, operation, timeout_s, steps)
    except KeyboardInterrupt:
        say("\nthe swap goes on; `vconsole status --watch` follows it")
        raise
    server = status.server
    if as_json:
        print_json(_result(ended, server.state, server.model))
    elif ended.error is None:
        took = duration(ended.seconds)
        click.echo(f"{server.served_name} is ready at {server.url}; the swap took {took}")
    if ended.error:
        print_error(error_of(ended.error), as_json=False)
        raise click.exceptions.Exit(ended.error.exit_code)


def _result(ended: Operation, state: str, model: str | None) -> dict[str, object]:
    found: dict[str, object] = {
        "state": state,
        "model": model,
        "rolled_back": ended.rolled_back,
        "seconds": ended.seconds,
        "steps": [_step(step) for step in ended.steps],
    }
    if ended.error:
        body = ended.error
        found["error"] = {"kind": body.kind, "message": body.message, "remedy": body.remedy}
    return found


def _step(step: Step) -> dict[str, object]:
    return {"name": step.name, "seconds": step.seconds, "ok": step.ok, "detail": step.detail}


class StepPrinter:
    """One line on stderr for each step of a swap, as it ends."""

    def __init__(self) -> None:
        self._told = 0

    def __call__(self, operation: Operation | None) -> None:
        known = operation.steps if operation else ()
        self._told = min(self._told, len(known))
        for step in known[self._told :]:
            if step.seconds is None:
                return
            self._told += 1
            mark = "" if step.ok else "  FAILED"
            detail = f"  {step.detail}" if step.detail else ""
            say(f"  {step.name:<28}{step.seconds:7.2f} s{mark}{detail}")
