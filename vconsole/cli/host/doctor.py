"""doctor: host, engine and server looked over, each finding with its remedy."""

from __future__ import annotations

import sys

import click

from vconsole.cli.options import json_output, server_name
from vconsole.cli.output import print_json, say
from vconsole.cli.reaching import reach_supervisor
from vconsole.cli.readonly import require_writable
from vconsole.errors import ExitCode, VConsoleError
from vconsole.supervisor.client import SupervisorClient
from vconsole.supervisor.doctor.check import Check, Examination, Fix, State

MARKS = {
    State.OK: "✓",
    State.WARNING: "▲",
    State.BAD: "✕",
    State.UNKNOWN: "?",
    State.NOT_APPLICABLE: "–",
}
TITLE_WIDTH = 20


@click.command(epilog="Example: vconsole doctor --json | jq '.checks[] | select(.status==\"bad\")'")
@click.option("--fix", is_flag=True, help="Fix what can be fixed; says what first, and asks.")
@click.option("--only", metavar="CHECK", help="With --fix: only what this check needs.")
@click.option("--yes", is_flag=True, help="With --fix: do not ask.")
@click.option("--online", is_flag=True, help="Ask the Hub and the package index too.")
@server_name
@json_output
def doctor(fix: bool, only: str | None, yes: bool, online: bool, name: str, as_json: bool) -> int:
    """Check host, engine and server; exit code 1 if something is bad."""
    if fix:
        require_writable("doctor --fix")
    client = reach_supervisor()
    found = _examined(client, name, online)
    if only is not None and only not in {check.name for check in found.checks}:
        names = ", ".join(check.name for check in found.checks)
        raise VConsoleError(f"there is no check {only}", f"the checks: {names}", ExitCode.USAGE)
    if fix:
        _mend(client, found, name, only, yes)
        found = _examined(client, name, online)
    if as_json:
        print_json(_data(found))
    else:
        click.echo("\n".join(page(found)))
    bad = any(check.status is State.BAD for check in found.checks)
    return int(ExitCode.FAILED if bad else ExitCode.DONE)


def page(found: Examination) -> list[str]:
    """All checks for people, the score first."""
    lines = [found.arithmetic]
    for check in found.checks:
        lines.append(f"{MARKS[check.status]} {check.title:<{TITLE_WIDTH}}{check.detail}")
        if check.status in (State.OK, State.NOT_APPLICABLE):
            continue
        indent = " " * (TITLE_WIDTH + 2)
        lines += [f"{indent}gain  {check.gain}"] if check.gain else []
        lines += [f"{indent}do    {check.remedy}"] if check.remedy else []
    return lines


def _examined(client: SupervisorClient, name: str, online: bool) -> Examination:
    from vconsole.supervisor.doctor.examine import examine
    from vconsole.supervisor.doctor.scene import look

    return examine(look(client.status(name), online))


def _mend(
    client: SupervisorClient, found: Examination, name: str, only: str | None, yes: bool
) -> None:
    from vconsole.supervisor.doctor.fixing import carry_out, carry_out_measured

    for fix, check in _fixes(found, only).items():
        measured = fix.restarts and found.server is not None
        say(f"{check.title}: {fix.words}")
        for effect in fix.effects:
            say(f"  {effect}")
        if measured:
            say(f"  It restarts {name}, and measures its speed before and after.")
        if not yes and not _agreed():
            say("  left as it is")
        elif measured:
            say(f"  {carry_out_measured(client, name, check, say).words}")
        else:
            carry_out(fix)
            say("  done")


def _fixes(found: Examination, only: str | None) -> dict[Fix, Check]:
    """Each fix once: several checks may ask for the same."""
    fixes: dict[Fix, Check] = {}
    for check in found.checks:
        if check.fix is not None and only in (None, check.name):
            fixes.setdefault(check.fix, check)
    if not fixes:
        say("there is nothing that can be fixed from here")
    return fixes


def _agreed() -> bool:
    if not sys.stdin.isatty():
        raise VConsoleError(
            "there is no terminal to ask at", "agree beforehand: vconsole doctor --fix --yes",
            ExitCode.USAGE,
        )  # fmt: skip
    return bool(click.confirm("  do it?", default=False, err=True))


def _data(found: Examination) -> dict[str, object]:
    checks = [
        {
            "name": check.name,
            "title": check.title,
            "status": check.status,
            "detail": check.detail,
            "remedy": check.remedy,
            "fixable": check.fixable,
            "gain": check.gain,
            "optimisation": check.optimisation,
        }
        for check in found.checks
    ]
    return {
        "score": found.score,
        "in_place": found.in_place,
        "optimisations": found.optimisations,
        "arithmetic": found.arithmetic,
        "missing": found.missing,
        "server": found.server,
        "checks": checks,
    }
