"""service: the systemd unit that runs the supervisor, and a profile with it."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
from pathlib import Path

import click

from vconsole.cli.options import json_output
from vconsole.cli.output import print_json, say
from vconsole.cli.readonly import require_writable
from vconsole.errors import ExitCode, VConsoleError
from vconsole.host.service.installed import InstalledUnit, installed
from vconsole.host.service.journal import journal_command
from vconsole.host.service.plan import UNIT, unit_path
from vconsole.host.service.text import unit_text
from vconsole.host.units import Scope

MOST_LINES = 100_000
key_file = click.Path(path_type=Path, dir_okay=False)


@click.group(epilog="Example: vconsole service install demo --print")
def service() -> None:
    """A systemd unit that serves a profile from boot and keeps it running."""


def scoped(function: click.decorators.FC) -> click.decorators.FC:
    """`--user` (the default) or `--system`."""
    user = click.option("--user", "scope", flag_value="user", default="user", help="Your own unit.")
    system = click.option("--system", "scope", flag_value="system", help="The machine's unit.")
    return user(system(function))


@service.command(epilog="Example: vconsole service install qwen --api-key-file ~/.config/key")
@click.argument("profile", required=False)
@scoped
@click.option("--print", "only_print", is_flag=True, help="Print the unit; change nothing.")
@click.option("--api-key-file", type=key_file, help="The key that vLLM asks for (mode 0600).")
@click.option("--hf-token-file", type=key_file, help="The Hub's token (mode 0600).")
@click.option("--no-wait", is_flag=True, help="Return as soon as the start is under way.")
@click.option(
    "--timeout", type=float, metavar="S", help="Wait at most so many seconds (exit code 4)."
)
@json_output
def install(
    profile: str | None,
    scope: str,
    only_print: bool,
    api_key_file: Path | None,
    hf_token_file: Path | None,
    no_wait: bool,
    timeout: float | None,
    as_json: bool,
) -> None:
    """Write the unit that serves PROFILE (or a model), enable it, and wait until it answers.

    A running server is handed over without being stopped.
    """
    from vconsole.supervisor.unit.installing import follow
    from vconsole.supervisor.unit.installing import install as put_in_place
    from vconsole.supervisor.unit.planning import plan_unit
    from vconsole.supervisor.unit.reaching import require_systemd

    wanted = Scope(scope)
    files = {"api_key": api_key_file, "hf_token": hf_token_file}
    given = {name: path for name, path in files.items() if path}
    if only_print:
        planned = plan_unit(wanted, profile, given)
        _print_unit(unit_text(planned.unit), wanted, planned.notes, as_json)
        return
    require_writable("service install")
    require_systemd()
    planned = plan_unit(wanted, profile, given)
    _require_root(wanted, "install", planned.unit.profile, unit_text(planned.unit))
    for note in planned.notes:
        say(f"note: {note}")
    asyncio.run(put_in_place(planned.unit, installed(wanted), say))
    if not no_wait:
        asyncio.run(follow(wanted, timeout, say))
    _report(wanted, as_json)


@service.command(epilog="Example: vconsole service diff --system")
@click.argument("profile", required=False)
@scoped
@json_output
def diff(profile: str | None, scope: str, as_json: bool) -> None:
    """Show what `install` would change in the installed unit."""
    from vconsole.supervisor.unit.planning import plan_unit
    from vconsole.supervisor.unit.report import differences

    wanted = Scope(scope)
    found = _require_installed(wanted)
    lines = differences(found, unit_text(plan_unit(wanted, profile, {}).unit))
    if as_json:
        print_json({"unit": UNIT, "scope": wanted, "differs": bool(lines), "diff": lines})
    else:
        click.echo("\n".join(lines) or f"{found.path} is as `install` would write it")


@service.command(epilog="Example: vconsole service status --json | jq .state")
@scoped
@json_output
def status(scope: str, as_json: bool) -> None:
    """Show the unit's state, what it says, and whether it starts at boot."""
    _report(Scope(scope), as_json)


@service.command(epilog="Example: vconsole service journal -f")
@scoped
@click.option("-f", "--follow", is_flag=True, help="Keep printing as lines come.")
@click.option(
    "-n",
    "--lines",
    type=click.IntRange(0, MOST_LINES),
    default=100,
    metavar="N",
    help="The last N lines.  [default: 100]",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
def journal(scope: str, follow: bool, lines: int, as_json: bool) -> None:
    """Print the supervisor's own log from the journal; `vconsole logs` is the server's."""
    from vconsole.supervisor.unit.reaching import require_systemd

    require_systemd()
    more = ("--follow",) if follow else ()
    form = ("--output=json",) if as_json else ()
    command = (*journal_command(Scope(scope), lines), *form, *more)
    sys.stdout.flush()
    try:
        os.execvp(command[0], command)
    except OSError as error:
        raise VConsoleError(f"cannot run journalctl: {error.strerror}") from error


@service.command(epilog="Example: vconsole service uninstall --keep-servers")
@scoped
@click.option("--keep-servers", is_flag=True, help="Leave them running, for your own supervisor.")
@click.option("--purge", is_flag=True, help="With --system: its records, caches and account too.")
@json_output
def uninstall(scope: str, keep_servers: bool, purge: bool, as_json: bool) -> None:
    """Drain and stop what it serves, then remove the unit and all that came with it."""
    from vconsole.supervisor.unit.installing import uninstall as take_away
    from vconsole.supervisor.unit.reaching import require_systemd

    wanted = Scope(scope)
    require_writable("service uninstall")
    require_systemd()
    found = _require_installed(wanted)
    _require_root(wanted, "uninstall")
    if wanted is Scope.SYSTEM and keep_servers:
        raise VConsoleError(
            "the servers of the system's unit belong to an account that has no supervisor of its "
            "own, so that they cannot be kept",
            "leave out --keep-servers",
            ExitCode.USAGE,
        )
    asyncio.run(take_away(found, keep_servers, purge, say))
    if keep_servers:
        from vconsole.cli.reaching import reach_supervisor

        reach_supervisor()
        say("your own supervisor has taken over")
    _report(wanted, as_json)


def _report(scope: Scope, as_json: bool) -> None:
    from vconsole.supervisor.unit.report import report, report_lines

    found = asyncio.run(report(scope, installed(scope)))
    if as_json:
        print_json(found)
    else:
        click.echo("\n".join(report_lines(found)))


def _print_unit(text: str, scope: Scope, notes: tuple[str, ...], as_json: bool) -> None:
    if as_json:
        body = {"unit": UNIT, "scope": scope, "path": str(unit_path(scope)), "text": text}
        print_json({**body, "notes": notes})
        return
    for note in notes:
        say(f"note: {note}")
    say(f"# {unit_path(scope)}")
    click.echo(text, nl=False)


def _require_installed(scope: Scope) -> InstalledUnit:
    found = installed(scope)
    if found is None:
        raise VConsoleError(
            f"there is no {unit_path(scope)} of vconsole",
            f"vconsole service install PROFILE --{scope}",
            ExitCode.REFUSED,
            kind="not_installed",
        )
    return found


def _require_root(scope: Scope, verb: str, *words: str) -> None:
    """The system's unit needs root: the command to copy, and for an install the text to look at."""
    if scope is Scope.USER or os.geteuid() == 0:
        return
    script = Path(sys.executable).parent / "vconsole"
    command = shlex.join(("sudo", str(script), "service", verb, *words[:1], "--system"))
    by_hand = ""
    if verb == "install":
        by_hand = (
            f"; or by hand: {script} service install {shlex.quote(words[0])} --system --print"
            f" | sudo tee {unit_path(scope)}"
            " && sudo useradd --system --user-group --no-create-home"
            " --home-dir /var/lib/vconsole --shell /usr/sbin/nologin vconsole"
            f" && sudo systemctl daemon-reload && sudo systemctl enable --now {UNIT}"
        )
    raise VConsoleError(
        f"the system's unit is for root to {verb}",
        command + by_hand,
        ExitCode.REFUSED,
        kind="not_permitted",
    )
