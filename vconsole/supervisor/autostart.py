"""Reaching the supervisor, and starting one where none runs, as tmux does with its server."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from vconsole import __version__, paths
from vconsole.errors import ExitCode, VConsoleError
from vconsole.supervisor.client import SupervisorClient, SupervisorUnreachableError

if TYPE_CHECKING:
    from vconsole.supervisor.processes.scope import Scoping

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
    client = running_supervisor(socket_path)
    client = client or SupervisorClient(socket_path or paths.socket_path())
    if is_the_systems(client):
        client.info()
        return client
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
    """A client of the supervisor that runs, or None.

    Without a path: that of VCONSOLE_SOCKET alone where it is set, else the user's own, else the
    one of the whole machine.
    """
    places = (socket_path,) if socket_path else sockets()
    for path in places:
        client = SupervisorClient(path)
        try:
            client.info()
        except SupervisorUnreachableError:
            continue
        return client
    return None


def sockets() -> tuple[Path, ...]:
    """Where a supervisor may be, the nearest first.

    Who has servers of their own waits for their own supervisor to adopt them.
    """
    own, systems = paths.socket_path(), paths.system_socket_path()
    if "VCONSOLE_SOCKET" in os.environ or not systems.exists() or _have_servers():
        return (own,)
    return (own, systems)


def _have_servers() -> bool:
    from vconsole.supervisor.processes import tree
    from vconsole.supervisor.servers import record

    runs = (record.load(name).run for name in record.recorded_names())
    return any(run and run.boot_id == tree.boot_id() and tree.is_alive(run.leader) for run in runs)


def is_the_systems(client: SupervisorClient) -> bool:
    """Whether it is the supervisor of the whole machine, and not one that we could start."""
    return client.socket_path == paths.system_socket_path() != paths.socket_path()


def _is_older(version: str | None) -> bool:
    return version is not None and _numbers(version) < _numbers(__version__)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())


def wait_until_left(client: SupervisorClient, pid: int | None, patience_s: float) -> bool:
    """Whether the supervisor of that pid is gone in time: until then it holds the lock."""
    from vconsole.supervisor.processes import tree

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
    # Commands that only ask need nothing of it.
    from vconsole.host import procfs, systemd
    from vconsole.supervisor.processes.survival import scoping_to_survive
    from vconsole.supervisor.unit import by_unit

    paths.checked_socket_path()
    if by_unit.starts(tell) and _answers(client):
        return
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


def _answers(client: SupervisorClient) -> bool:
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s:
        if running_supervisor(client.socket_path):
            return True
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
