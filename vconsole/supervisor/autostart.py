"""Reaching the supervisor, and starting one where none runs, as tmux does with its server."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from vconsole import __version__, paths
from vconsole.errors import ExitCode, VConsoleError
from vconsole.host import procfs, systemd
from vconsole.supervisor.client import SupervisorClient, SupervisorUnreachableError
from vconsole.supervisor.processes import tree
from vconsole.supervisor.processes.scope import Scoping
from vconsole.supervisor.processes.survival import scoping_to_survive

PATIENCE_S = 15.0
POLL_S = 0.02
AFTER_REFUSAL_S = 1.0
# A handle that is dropped while its process runs is taken for a leak; this one outlives us.
_started: list[subprocess.Popen[bytes]] = []


def ensure_supervisor(
    socket_path: Path | None = None, tell: Callable[[str], None] = lambda _: None
) -> SupervisorClient:
    """A client of the running supervisor; starts one of this version where none answers.

    An older one is asked to leave first: its servers keep running, and ours adopts them. A newer
    one is used as it is, since its API only ever gains. `tell` gets the words for the user where
    one was started that would not outlive the user's logout.
    """
    client = SupervisorClient(socket_path or paths.socket_path())
    try:
        info = client.info()
    except SupervisorUnreachableError:
        _bring_up(client, tell)
        return client
    if _is_older(info.version) and info.owner != "systemd":
        client.shut_down("keep")
        wait_until_left(client, info.pid, PATIENCE_S)
        _bring_up(client, tell)
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


def wait_until_left(client: SupervisorClient, pid: int | None, patience_s: float) -> bool:
    """Whether the supervisor of that pid is gone in time: until then it holds the lock."""
    process = tree.identify(pid) if pid else None
    deadline_s = time.monotonic() + patience_s
    while time.monotonic() < deadline_s:
        if running_supervisor(client.socket_path) is None and not (
            process and tree.is_alive(process)
        ):
            return True
        time.sleep(POLL_S)
    return False


def _bring_up(client: SupervisorClient, tell: Callable[[str], None]) -> None:
    """Start one where it survives a logout if there is such a place, else where we are."""
    scoping = scoping_to_survive(procfs.cgroup("self"), systemd.look())
    if not (scoping and _comes_up(client, scoping)) and not _comes_up(client, None):
        raise VConsoleError(
            f"the supervisor (version {__version__}) does not come up: {_last_words()}",
            f"{paths.supervisor_log_path()} says more",
            ExitCode.TIMED_OUT,
        )
    info = client.info()
    if info.survives_logout is False and info.survival_note:
        tell(info.survival_note)


def _comes_up(client: SupervisorClient, scoping: Scoping | None) -> bool:
    """Start one and wait until one answers.

    One that another's lock refused waits for that to answer, and tries again should it be leaving.
    """
    child = _spawn(scoping)
    started_s = again_s = time.monotonic()
    while time.monotonic() - started_s < PATIENCE_S:
        if running_supervisor(client.socket_path):
            return True
        code = child.poll()
        if code is None:
            again_s = time.monotonic() + AFTER_REFUSAL_S
        elif code != ExitCode.REFUSED:
            return False
        elif time.monotonic() > again_s:
            child = _spawn(scoping)
        time.sleep(POLL_S)
    return False


def _spawn(scoping: Scoping | None = None) -> subprocess.Popen[bytes]:
    command: tuple[str, ...] = (sys.executable, "-m", "vconsole.supervisor")
    if scoping:
        tag = f"supervisor-{secrets.token_hex(6)}"
        command = scoping.around(tag, "supervisor of vconsole", command)
    paths.private_folder(paths.state_dir())
    log_file = paths.supervisor_log_path()
    descriptor = os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        child = subprocess.Popen(
            command,
            env={**os.environ, **(scoping.environment if scoping else {})},
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


def _last_words() -> str:
    lines = paths.supervisor_log_path().read_text(errors="replace").splitlines()
    return lines[-1] if lines else "it said nothing"
