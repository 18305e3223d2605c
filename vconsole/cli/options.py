"""Options that many commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from vconsole.cli import completing
from vconsole.supervisor.names import checked_name

F = TypeVar("F", bound=Callable[..., Any])


def server_name(function: F) -> F:
    return click.option(
        "--name",
        default="main",
        show_default=True,
        metavar="NAME",
        help="Which server.",
        shell_complete=completing.servers,
    )(function)


def any_server(function: F) -> F:
    return click.option("--name", metavar="NAME", callback=_checked, help="Only this server.")(
        function
    )


def _checked(_context: click.Context, _option: click.Parameter, name: str | None) -> str | None:
    return None if name is None else checked_name(name)


def json_output(function: F) -> F:
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")(function)


def workload_options(prompts: str) -> Callable[[F], F]:
    """What a measurement asks the server; `prompts` says what the file is for."""
    options = (
        click.option(
            "--prompts",
            type=click.Path(exists=True, dir_okay=False),
            metavar="FILE",
            help=f"A batch file: {prompts}.",
        ),
        click.option(
            "--history", is_flag=True, help="Lengths as this server was asked for so far."
        ),
        click.option("--input-tokens", type=click.IntRange(1), metavar="N", help="[default: 128]"),
        click.option("--output-tokens", type=click.IntRange(1), metavar="N", help="[default: 64]"),
        click.option(
            "--requests",
            type=click.IntRange(1, 1_000_000),
            metavar="N",
            help="Requests of each repeat.  [default: 4 rounds, at least 16]",
        ),
    )

    def added(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return added
