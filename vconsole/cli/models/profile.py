"""`vconsole profile`: named launch configurations, made, compared, and copied as commands."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import click

from vconsole import paths
from vconsole.cli import completing
from vconsole.cli.models.profile_fallback import as_data, fallback, lines
from vconsole.cli.options import json_output, server_name
from vconsole.cli.output import print_json, say
from vconsole.cli.readonly import require_writable
from vconsole.errors import ExitCode, VConsoleError
from vconsole.models.profiles import Profile, load_profiles

if TYPE_CHECKING:
    from vconsole.supervisor.model import ServerStatus

NAME_CELLS = 18


@click.group(epilog="Example: vconsole profile save nightly && vconsole start nightly")
def profile() -> None:
    """Profiles: named tables of model, flags and environment in profiles.toml."""


profile.add_command(fallback)


@profile.command("list", epilog="Example: vconsole profile list --json")
@json_output
def list_profiles(as_json: bool) -> None:
    """List all profiles."""
    known = load_profiles()
    if as_json:
        print_json({"profiles": [{"name": name, **_data(one)} for name, one in known.items()]})
        return
    for name, one in sorted(known.items()):
        click.echo(f"{name:<{NAME_CELLS}}  {one.model}  {' '.join(one.arguments())}".rstrip())
    if not known:
        say(f"no profiles yet in {paths.profiles_file()}: `vconsole profile save NAME` makes one")


@profile.command(epilog="Example: vconsole profile show nightly")
@click.argument("name", shell_complete=completing.profiles)
@click.option("--check", is_flag=True, help="List what the installed vLLM would refuse.")
@json_output
def show(name: str, check: bool, as_json: bool) -> None:
    """Show one profile."""
    from vconsole.models.profile_file import require_profile

    one = require_profile(name)
    faults = _faults(one) if check else []
    if as_json:
        print_json({"name": name, **_data(one), "faults": faults})
        return
    for key, value in _data(one).items():
        if isinstance(value, dict):
            for inner, each in value.items():
                click.echo(f"{key}.{inner:<{NAME_CELLS}}  {_shown(each)}")
        elif value not in (None, ()):
            click.echo(f"{key:<{NAME_CELLS}}  {_shown(value)}")
    for fault in faults:
        say(f"warning: {fault}")


@profile.command(epilog="Example: vconsole profile save nightly")
@click.argument("profile_name", metavar="NAME")
@click.option("--from-running", is_flag=True, help="What the server was started with (default).")
@click.option("--replace", is_flag=True, help="Replace a profile of that name.")
@click.option(
    "--fallback", "takes_fallback", is_flag=True, help="Add the fallbacks that are offered."
)
@server_name
@json_output
def save(
    profile_name: str,
    from_running: bool,
    replace: bool,
    takes_fallback: bool,
    name: str,
    as_json: bool,
) -> None:
    """Save how the server runs now, or ran last, as profile NAME."""
    from dataclasses import replace as with_changes

    from vconsole.models.profile_file import save_profile
    from vconsole.supervisor.models.fallbacks import offered

    require_writable("profile save")
    if profile_name in load_profiles() and not replace:
        raise VConsoleError(
            f"there is a profile {profile_name} already",
            "choose another name, or give --replace",
            ExitCode.REFUSED,
            kind="name_taken",
        )
    made = _running(name)
    chain = offered(made)
    if takes_fallback:
        made = with_changes(made, fallback=tuple(one.model for one in chain))
    path = save_profile(profile_name, made)
    if as_json:
        offer = {"path": str(path), "fallback_offered": as_data(chain)}
        print_json({"name": profile_name, **_data(made), **offer})
        return
    say(f"saved {profile_name} in {path}: vconsole start {profile_name}")
    if chain:
        say("falls back to" if takes_fallback else "could fall back to")
        say("\n".join(lines(chain)))
        if not takes_fallback:
            say(f"take it: vconsole profile fallback {profile_name} --choose")


@profile.command(epilog="Example: vconsole profile diff nightly fast")
@click.argument("a", shell_complete=completing.profiles)
@click.argument("b", required=False, shell_complete=completing.profiles)
@server_name
@json_output
def diff(a: str, b: str | None, name: str, as_json: bool) -> None:
    """Compare two profiles; without B, compare A with the running server."""
    from vconsole.models.profile_file import require_profile
    from vconsole.models.profile_flags import difference_of

    one = require_profile(a)
    other = require_profile(b) if b else _running(name)
    rows = difference_of(_flat(one), _flat(other))
    if as_json:
        print_json({"a": a, "b": b, "differences": rows})
    elif rows:
        click.echo("\n".join(rows))
    else:
        say("nothing differs")


@profile.command(epilog="Example: vconsole profile rm nightly")
@click.argument("name", shell_complete=completing.profiles)
def rm(name: str) -> None:
    """Remove a profile; running servers are not touched."""
    from vconsole.models.profile_file import remove_profile

    require_writable("profile rm")
    remove_profile(name)
    say(f"removed {name} from {paths.profiles_file()}")


@profile.command(epilog="Example: vconsole profile command nightly")
@click.argument("profile_name", metavar="[NAME]", required=False, shell_complete=completing.models)
@click.option("--running", is_flag=True, help="The one of the running server.")
@server_name
def command(profile_name: str | None, running: bool, name: str) -> None:
    """Print the exact vLLM command line of a profile, a folder or a model, ready to copy."""
    from vconsole.supervisor.models.profiles import command_of, shell_line

    if profile_name and not running:
        click.echo(command_of(profile_name))
        return
    words = _server(name).command
    if not words:
        raise VConsoleError(
            f"{name} never ran, so it has no command line",
            "name a profile: `vconsole profile command NAME`",
            ExitCode.NO_SERVER,
        )
    click.echo(shell_line(words))


@profile.command(epilog="Example: vconsole profile options speculative")
@click.argument("word", required=False)
@json_output
def options(word: str | None, as_json: bool) -> None:
    """List the options of the installed vLLM with its own help; WORD searches them."""
    from vconsole.models.option_search import matching
    from vconsole.supervisor.models.profiles import installed_options

    known = installed_options()
    found = matching(known.options, word or "")
    if as_json:
        print_json({"version": known.version, "options": found})
        return
    for option in found:
        default = f"  [default: {option.default}]" if option.default else ""
        click.echo(f"{', '.join(option.names)}{default}")
        for text in option.help.strip().splitlines()[:4]:
            click.echo(f"    {text}")


def _running(name: str) -> Profile:
    from vconsole.supervisor.models.profiles import profile_of

    return profile_of(_server(name))


def _server(name: str) -> ServerStatus:
    """The server as the supervisor has it, else as its record does; nothing is started."""
    from vconsole.supervisor.client import SupervisorClient, SupervisorUnreachableError
    from vconsole.supervisor.names import checked_name
    from vconsole.supervisor.servers import record
    from vconsole.supervisor.servers.recorded import recorded_status

    try:
        return SupervisorClient(paths.socket_path()).server(checked_name(name))
    except SupervisorUnreachableError:
        return recorded_status(record.load(name))


def _faults(one: Profile) -> list[str]:
    from vconsole.supervisor.models.profiles import faults_of, installed_options

    return [
        fault.why + (f" (is it {fault.closest}?)" if fault.closest else "")
        for fault in faults_of(one, installed_options())
    ]


def _data(one: Profile) -> dict[str, Any]:
    return {field.name: getattr(one, field.name) for field in fields(one)}


def _flat(one: Profile) -> dict[str, Any]:
    """The profile as one table, for comparing."""
    known = {name: value for name, value in _data(one).items() if value not in (None, ())}
    return {
        (f"{name}.{inner}" if inner else name): each
        for name, value in known.items()
        for inner, each in (value.items() if isinstance(value, dict) else [("", value)])
    }


def _shown(value: Any) -> str:
    from vconsole.models.profile_flags import shown

    return shown(list(value) if isinstance(value, tuple) else value)
