"""Where a face that asks a few requests of a batch itself finds the server."""

from __future__ import annotations

import os

from vconsole.errors import ExitCode, VConsoleError
from vconsole.supervisor.model import ServerStatus
from vconsole.supervisor.servers.record import readable_environment


def address_and_key(server: ServerStatus) -> tuple[str, str | None]:
    """URL and key of a server that answers; else the error that it does not (exit code 3)."""
    if server.url is None or server.state not in {"ready", "stalled"}:
        raise VConsoleError(
            f"{server.name} is {server.state}, and a preview needs a server that answers",
            "start one: vconsole start MODEL",
            ExitCode.NO_SERVER,
            kind="not_running",
        )
    key = readable_environment(server.name).get("VLLM_API_KEY") or os.environ.get("VLLM_API_KEY")
    return server.url, key
