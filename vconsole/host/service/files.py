"""What an installation changes on the machine: the unit's file, the account, lingering."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from vconsole.errors import ExitCode, VConsoleError
from vconsole.host.service.plan import (
    ACCOUNT,
    SYSTEM_CACHE,
    SYSTEM_CONFIG,
    SYSTEM_STATE,
    account_exists,
)

TIMEOUT_S = 30.0
NEW_ACCOUNT = (
    *("useradd", "--system", "--user-group", "--no-create-home"),
    *("--home-dir", str(SYSTEM_STATE), "--shell", "/usr/sbin/nologin", ACCOUNT),
)
Tell = Callable[[str], None]


def write(path: Path, text: str) -> None:
    """Write a unit whole, readable for everybody."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        temporary.write_text(text)
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def remove(path: Path) -> None:
    path.unlink(missing_ok=True)


def make_account(tell: Tell) -> None:
    """The user and group that the system's unit runs as."""
    if not account_exists():
        _run(*NEW_ACCOUNT)
        tell(f"made the system user and group {ACCOUNT}")


def remove_account(made_by_us: bool, purge: bool, tell: Tell) -> None:
    """With `purge` the service's folders go, and the account that was made for it; else it says."""
    folders = [path for path in (SYSTEM_STATE, SYSTEM_CACHE) if path.exists()]
    if not purge:
        left = ", ".join(map(str, folders))
        tell(f"left: {left} and the user {ACCOUNT}; `uninstall --system --purge` removes them too")
        return
    for folder in folders:
        shutil.rmtree(folder)
        tell(f"removed {folder}")
    # What else is in there people wrote, or keeps Ollama away.
    with suppress(OSError):
        SYSTEM_CONFIG.rmdir()
    if SYSTEM_CONFIG.exists():
        tell(f"left: {SYSTEM_CONFIG}, which is not empty")
    if made_by_us and account_exists():
        _run("userdel", ACCOUNT)
        tell(f"removed the user and group {ACCOUNT}")


def set_linger(user: str, wanted: bool) -> bool:
    """Whether logind did it; polkit lets users do it for themselves on most systems."""
    verb = "enable-linger" if wanted else "disable-linger"
    try:
        _run("loginctl", "--no-ask-password", verb, user)
    except VConsoleError:
        return False
    return True


def _run(*command: str) -> None:
    try:
        subprocess.run(
            command,
            env={**os.environ, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        why = " ".join(error.stderr.split()) or f"exit status {error.returncode}"
        raise VConsoleError(
            f"{command[0]} failed: {why}", " ".join(command), ExitCode.REFUSED
        ) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise VConsoleError(f"cannot run {command[0]}: {error}", " ".join(command)) from error
