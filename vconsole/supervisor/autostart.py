"""Reaching the supervisor, and starting one where none runs, as tmux does with its server."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from vconsole import __version__, paths
from vconsole.errors import ExitCode, VConsoleError
from vconsole.supervisor.client import SupervisorClient, SupervisorUnreachableError

PATIENCE_S = 15.0
POLL_S = 0.02
# A handle that is dropped while its process runs is taken for a leak; this one outlives us.
_started: list[subprocess.Popen[bytes]] = []


def ensure_supervisor(socket_path: Path | None = None) -> SupervisorClient:
    """A client of the running supervisor; starts one of this version where none answers.

    An older one is asked to leave first: its servers keep running, and ours adopts them. A newer
    one is used as it is, since its API only ever gains.
    """
    client = SupervisorClient(socket_path or paths.socket_path())
    try:
        info = client.info()
    except SupervisorUnreachableError:
        _wait_for(client, _spawn())
        return client
    if _is_older(info.version) and info.owner != "systemd":
        _replace(client)
    return client


def running_supervisor(socket_path: Path | None = None) -> SupervisorClient | None:
    """A client of the supervisor that runs, or None."""
    client = SupervisorClient(socket_path or paths.socket_path())
    try:
        client.info()
    except SupervisorUnreachableError:
        return None
    return client


def _is_older(version: str | None) -> bool:
    return version is not None and _numbers(version) < _numbers(__version__)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())


def _replace(client: SupervisorClient) -> None:
    client.shut_down("keep")
    deadline_s = time.monotonic() + PATIENCE_S
    while running_supervisor(client.socket_path) and time.monotonic() < deadline_s:
        time.sleep(POLL_S)
    _wait_for(client, _spawn())


def _spawn() -> subprocess.Popen[bytes]:
    paths.private_folder(paths.state_dir())
    log_file = paths.supervisor_log_path()
    descriptor = os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        child = subprocess.Popen(
            [sys.executable, "-m", "vconsole.supervisor"],
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            cwd="/",
            start_new_session=True,
        )
        _started.append(child)
        return child
    finally:
        os.close(descriptor)


def _wait_for(client: SupervisorClient, child: subprocess.Popen[bytes]) -> None:
    """Wait until somebody answers; a child that lost the race for the lock leaves us to wait."""
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s and child.poll() in {None, ExitCode.REFUSED}:
        try:
            client.info()
        except SupervisorUnreachableError:
            time.sleep(POLL_S)
        else:
            return
    raise VConsoleError(
        f"the supervisor (version {__version__}) does not come up: {_last_words()}",
        f"{paths.supervisor_log_path()} says more",
        ExitCode.TIMED_OUT,
    )


def _last_words() -> str:
    lines = paths.supervisor_log_path().read_text(errors="replace").splitlines()
    return lines[-1] if lines else "it said nothing"
