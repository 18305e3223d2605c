"""One lock for a unit and a user's own supervisor: the unit takes over, and no server notices."""

from __future__ import annotations

import logging

from vconsole import paths
from vconsole.errors import ExitCode, VConsoleError
from vconsole.supervisor.autostart import wait_until_left
from vconsole.supervisor.client import SupervisorClient, SupervisorUnreachableError

PATIENCE_S = 60.0
log = logging.getLogger(__name__)


def take_over() -> None:
    """Have a supervisor of this state folder that no unit runs leave; its servers go on."""
    client = SupervisorClient(paths.socket_path())
    try:
        info = client.info()
    except SupervisorUnreachableError:
        return
    if info.owner == "systemd":
        raise VConsoleError(
            f"{info.unit or 'another unit'} of systemd runs the supervisor already, pid {info.pid}",
            "`vconsole service status` shows it",
            ExitCode.REFUSED,
            kind="already_running",
        )
    log.info("taking over from supervisor %s; its servers keep running", info.pid)
    client.shut_down("keep")
    if not wait_until_left(client, info.pid, PATIENCE_S):
        raise VConsoleError(
            f"supervisor {info.pid} has not left after {PATIENCE_S:.0f} s",
            f"{paths.supervisor_log_path()} says why",
            ExitCode.TIMED_OUT,
        )
