"""What the tab key offers for an argument: profiles, demo models, folders, servers.

It reads files only, asks nobody, and offers nothing rather than fail.
"""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

from vconsole.errors import VConsoleError


def models(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """What `start` takes: a profile, a demo model, or a folder where a path is begun."""
    if incomplete.startswith(("/", ".", "~")):
        return [CompletionItem(incomplete, type="dir")]
    from vconsole.models.demo import NAMES

    return _beginning(incomplete, (*_profiles(), "demo", *NAMES))


def profiles(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Names in `profiles.toml`."""
    return _beginning(incomplete, _profiles())


def servers(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Names of servers that ran here."""
    from vconsole.supervisor.servers.record import recorded_names

    return _beginning(incomplete, recorded_names())


def _profiles() -> tuple[str, ...]:
    from vconsole.models.profiles import load_profiles

    try:
        return tuple(load_profiles())
    except VConsoleError:
        return ()


def _beginning(incomplete: str, names: tuple[str, ...]) -> list[CompletionItem]:
    return [CompletionItem(name) for name in dict.fromkeys(names) if name.startswith(incomplete)]
