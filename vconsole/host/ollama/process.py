"""An Ollama outside of systemd: ended by its pid alone, and started again by its own words."""

from __future__ import annotations

import os
import pwd
import re
import select
import shlex
import signal
import subprocess
from dataclasses import dataclass

from vconsole.errors import ExitCode, VConsoleError
from vconsole.host import procfs

PATIENCE_S = 15.0
# Handles that are dropped while their processes run are taken for leaks.
_started: list[subprocess.Popen[bytes]] = []
SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSW", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Recipe:
    """What starts a process again as it was, but for variables that hold a secret.

    `uid` is whose it was, which only root can start again as theirs.
    """

    executable: str
    arguments: tuple[str, ...]
    folder: str
    environment: dict[str, str]
    uid: int | None = None


def recipe(pid: int) -> Recipe | None:
    """How that process was started; None where we may not see it."""
    executable, folder = procfs.link(pid, "exe"), procfs.link(pid, "cwd")
    if executable is None or folder is None:
        return None
    given = procfs.environment(pid).items()
    kept = {name: value for name, value in given if not SECRET.search(name)}
    return Recipe(executable, procfs.argv(pid), folder, kept, procfs.owner_uid(pid))


def end(pid: int, start_ticks: int) -> None:
    """SIGTERM to that very process, and wait until it is gone; SIGKILL is left to its owner."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        fields = procfs.stat_fields(pid)
        if fields is None or int(fields[procfs.START_TICKS]) != start_ticks:
            return
        signal.pidfd_send_signal(descriptor, signal.SIGTERM)
        if not select.select([descriptor], [], [], PATIENCE_S)[0]:
            raise VConsoleError(
                f"process {pid} has not ended {PATIENCE_S:.0f} s after SIGTERM",
                f"see what it does: ps -fp {pid}",
            )
    except PermissionError as error:
        raise VConsoleError(
            f"process {pid} belongs to another user",
            f"sudo kill {pid}",
            ExitCode.REFUSED,
            kind="not_permitted",
        ) from error
    finally:
        os.close(descriptor)


def start_again(given: Recipe) -> None:
    """Start it in a session of its own, as from a terminal that was closed since."""
    user = _account(given.uid) if given.uid and os.geteuid() == 0 else None
    for child in _started:
        child.poll()
    try:
        child = subprocess.Popen(
            given.arguments,
            executable=given.executable,
            cwd=given.folder,
            env=given.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            user=user and user.pw_uid,
            group=user and user.pw_gid,
            extra_groups=user and os.getgrouplist(user.pw_name, user.pw_gid),
        )
    except OSError as error:
        raise VConsoleError(
            f"cannot start Ollama again: {error}", f"by hand: {shlex.join(given.arguments)}"
        ) from error
    _started.append(child)


def _account(uid: int) -> pwd.struct_passwd:
    try:
        return pwd.getpwuid(uid)
    except KeyError as error:
        raise VConsoleError(
            f"cannot start Ollama again: there is no user {uid} any more", "start it by hand"
        ) from error


def user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
