"""How commands reach the supervisor; the one that has to start it passes on what it has to say."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from vconsole.cli.output import say
from vconsole.supervisor import autostart
from vconsole.supervisor.client import SupervisorClient


def reach_supervisor() -> SupervisorClient:
    """The running supervisor, started if need be; words about its survival go to stderr."""
    client = autostart.ensure_supervisor(tell=lambda words: say(f"warning: {words}"))
    _say_whose(client)
    return client


def running_supervisor() -> SupervisorClient | None:
    """The supervisor that runs, or None; says so where it is the system's and not one's own."""
    client = autostart.running_supervisor()
    if client:
        _say_whose(client)
    return client


def _say_whose(client: SupervisorClient) -> None:
    if autostart.is_the_systems(client):
        _say_once(client.socket_path)


@cache
def _say_once(socket_path: Path) -> None:
    say(f"this is the supervisor of the whole machine, {socket_path}")
