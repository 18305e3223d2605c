"""config: the settings, where each came from, and the file they live in."""

from __future__ import annotations

from collections.abc import Mapping

import click

from vconsole import paths, settings
from vconsole.cli.options import json_output
from vconsole.cli.output import print_json, say

NEW_FILE = "# Settings of vconsole; `vconsole config show` lists them all.\n"


@click.group(epilog="Example: vconsole config show")
def config() -> None:
    """Settings: built in, overridden by the file, overridden by VCONSOLE_* variables."""


@config.command(epilog="Example: VCONSOLE_SERVER_PORT=8001 vconsole config show")
@json_output
def show(as_json: bool) -> None:
    """List every setting with its value and where it came from."""
    values = settings.explain()
    unknown = settings.unknown_keys()
    if as_json:
        listed = {value.key: {"value": value.value, "origin": value.origin} for value in values}
        print_json({"settings": listed, "unknown": unknown})
        return
    for value in values:
        click.echo(f"{value.key:<30}{_shown(value.value):<16}{value.origin:<40}{value.help}")
    for key in unknown:
        say(f"warning: {paths.config_file()} has {key}, which no setting answers to")


def _shown(value: settings.Value) -> str:
    """As the environment would take it."""
    if isinstance(value, Mapping):
        pairs = ((name, word) for name, words in value.items() for word in words or ("",))
        return ",".join(f"{name}={word}" for name, word in pairs)
    return str(value)


@config.command(epilog="Example: cd $(vconsole config path --folder)")
@click.option("--folder", is_flag=True, help="The folder instead of the file.")
@json_output
def path(folder: bool, as_json: bool) -> None:
    """Print where the settings are; with --json, all files and folders."""
    if as_json:
        print_json(
            {
                "config": str(paths.config_file()),
                "profiles": str(paths.profiles_file()),
                "state": str(paths.state_dir()),
                "data": str(paths.data_dir()),
                "cache": str(paths.cache_dir()),
                "socket": str(paths.socket_path()),
            }
        )
        return
    click.echo(paths.config_dir() if folder else paths.config_file())


@config.command(epilog="Example: EDITOR=nano vconsole config edit")
def edit() -> None:
    """Open the settings in $EDITOR, then check them."""
    file = paths.config_file()
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(NEW_FILE)
    click.edit(filename=str(file))
    settings.load()
    say(f"{file} is fine")
