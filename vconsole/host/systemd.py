"""What systemd and logind would do with a user's processes at logout; asking changes nothing.

Nothing is asked where no systemd is booted. What cannot be learned in time is None.
"""

from __future__ import annotations

import os
import pwd
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vconsole.host import procfs

BOOTED = Path("/run/systemd/system")
# logind's own memory of who lingers: one file for each user (systemd-logind.service(8)).
LINGER = Path("/var/lib/systemd/linger")
TIMEOUT_S = 2.0
LOGIND_RULES = ("KillUserProcesses", "KillOnlyUsers", "KillExcludeUsers")


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known for one user; `manager_version` is None where no manager can be reached.

    The manager is the user's own, for root the system's.
    """

    uid: int
    user: str | None = None
    booted: bool = False
    manager_version: int | None = None
    kills_at_logout: bool | None = None
    lingers: bool | None = None


def look(uid: int | None = None) -> Facts:
    """Ask for everything; takes some 20 ms where systemd is booted, at most a few seconds."""
    uid = os.geteuid() if uid is None else uid
    user = user_name(uid)
    if not is_booted():
        return Facts(uid, user)
    return Facts(
        uid=uid,
        user=user,
        booted=True,
        manager_version=_manager_version(uid),
        kills_at_logout=_kills_at_logout(user) if user else None,
        lingers=lingers(user) if user else None,
    )


def is_booted() -> bool:
    """Whether systemd is the init of this machine, as sd_booted(3) finds out."""
    return BOOTED.is_dir()


def runs_us() -> bool:
    """Whether we are the main process of a service; a scope or a terminal of one does not count.

    Systemd names the process that it executed in SYSTEMD_EXEC_PID (systemd.exec(5)).
    """
    return os.environ.get("SYSTEMD_EXEC_PID") == str(os.getpid())


def unit_of_us() -> str | None:
    """The service that we are the main process of, by the name of our cgroup."""
    name = (procfs.cgroup("self") or "").rpartition("/")[2]
    return name if runs_us() and name.endswith(".service") else None


def lingers(user: str) -> bool:
    """Whether the user's manager outlives the last logout."""
    return (LINGER / user).exists()


def main_pid(unit: str, is_users: bool = False) -> int | None:
    """The process that a unit is about, of the system or of our own; None where it has none."""
    whose = ("--user",) if is_users else ()
    answer = _ask(
        ("systemctl", *whose, "show", "--property=MainPID", unit), bus_environment(os.geteuid())
    )
    number = answer.get("MainPID", "")
    return int(number) if number.isdecimal() and number != "0" else None


def bus_environment(uid: int) -> dict[str, str]:
    """Where the user's manager is, also for cron, sudo and SSH, which may not say it."""
    if uid == 0:
        return {}
    return {
        "XDG_RUNTIME_DIR": f"/run/user/{uid}",
        "DBUS_SESSION_BUS_ADDRESS": user_bus_address(uid),
    }


def user_bus_address(uid: int) -> str:
    """The bus of that user's manager (file-hierarchy(7), systemd's `user@.service`)."""
    return f"unix:path=/run/user/{uid}/bus"


def _manager_version(uid: int) -> int | None:
    if uid != 0 and not Path(f"/run/user/{uid}/bus").exists():
        return None
    whose = () if uid == 0 else ("--user",)
    answer = _ask(("systemctl", *whose, "show", "--property=Version"), bus_environment(uid))
    number = re.search(r"\d+", answer.get("Version", ""))
    return int(number[0]) if number else None


def _kills_at_logout(user: str) -> bool | None:
    """Whether logind ends the processes of a session with it, by the rules of logind.conf(5).

    Root is excluded unless the configuration says otherwise, which logind does not tell.
    """
    rules = _ask(("loginctl", "show-session", *(f"--property={name}" for name in LOGIND_RULES)))
    if "KillUserProcesses" not in rules:
        return None
    only, excluded = (rules.get(name, "").split() for name in LOGIND_RULES[1:])
    if user in excluded or (user == "root" and not excluded):
        return False
    return user in only if only else rules["KillUserProcesses"] == "yes"


def _ask(command: tuple[str, ...], environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """The `NAME=VALUE` lines of an answer; empty where there was none."""
    try:
        done = subprocess.run(
            command,
            env={**os.environ, **(environment or {}), "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return {}
    pairs = (line.partition("=") for line in done.stdout.splitlines())
    return {name: value for name, _, value in pairs}


def user_name(uid: int) -> str | None:
    """The account of that number; None where there is none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return None
