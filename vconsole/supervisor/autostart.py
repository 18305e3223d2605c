"""Reaching the supervisor, wherever it is to be found."""

from __future__ import annotations

from pathlib import Path

from vconsole.supervisor.client import SupervisorClient


def ensure_supervisor(socket_path: Path) -> SupervisorClient:
    """A client of the supervisor that answers on the socket; raises where none does."""
    client = SupervisorClient(socket_path)
    client.info()
    return client
