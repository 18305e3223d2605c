"""completion: what a shell needs to complete vconsole's commands."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from vconsole.cli import COMPLETION


@click.command(
    epilog="Example: vconsole completion bash > ~/.local/share/bash-completion/completions/vconsole"
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script for SHELL on stdout."""
    from vconsole.cli.app import vconsole

    completer = get_completion_class(shell)
    assert completer is not None
    click.echo(completer(vconsole, {}, "vconsole", COMPLETION).source())
