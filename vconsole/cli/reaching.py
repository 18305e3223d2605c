"""How commands reach the supervisor; the one that has to start it passes on what it has to say."""

from __future__ import annotations

from vconsole.cli.output import say
from vconsole.supervisor.autostart import ensure_supervisor
from vconsole.supervisor.client import SupervisorClient


def reach_supervisor() -> SupervisorClient:
    """The running supervisor, started if need be; words about its survival go to stderr."""
    return ensure_supervisor(tell=lambda words: say(f"warning: {words}"))
