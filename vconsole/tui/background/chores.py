"""Commands of ours that take long, in processes of their own: the console may leave meanwhile.

One at a time. What it says is in a file, and that it still runs is the lock that it holds on it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from vconsole import paths
from vconsole.errors import ExitCode, VConsoleError

MOST_LINES = 200
# Handles that are dropped while their processes run are taken for leaks.
_begun: list[subprocess.Popen[bytes]] = []


@dataclass(frozen=True, slots=True)
class Chore:
    """`command` is what a user would type; `said` are its lines so far, the newest last."""

    command: str
    said: tuple[str, ...] = ()
    running: bool = False
    at: float = 0.0

    @property
    def failed(self) -> bool:
        return not self.running and any(line.startswith("error: ") for line in self.said)

    @property
    def hint(self) -> str | None:
        """What to do, where it failed and says so."""
        hints = [line.removeprefix("hint: ") for line in self.said if line.startswith("hint: ")]
        return hints[-1] if hints and self.failed else None


def chore_path() -> Path:
    return paths.state_dir() / "chore.log"


def begin(*words: str) -> None:
    """Run `vconsole` with these words, in a session of its own."""
    paths.private_folder(paths.state_dir())
    descriptor = os.open(chore_path(), os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        _lock(descriptor)
        command = shlex.join(("vconsole", *words))
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{command}\n".encode())
        child = subprocess.Popen(
            (sys.executable, "-m", "vconsole.cli", *words),
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            cwd="/",
            start_new_session=True,
        )
    except OSError as error:
        raise VConsoleError(f"cannot begin it: {error.strerror}", f"see {chore_path()}") from error
    finally:
        os.close(descriptor)
    _begun.append(child)


def look() -> Chore | None:
    """The chore that runs, or the last one that ran; None where there was none."""
    for child in _begun:
        child.poll()
    try:
        with chore_path().open("rb") as file:
            running = _is_locked(file.fileno())
            lines = file.read().decode(errors="replace").splitlines()
            at = os.fstat(file.fileno()).st_mtime
    except OSError:
        return None
    return Chore(lines[0], tuple(lines[1:][-MOST_LINES:]), running, at) if lines else None


def _lock(descriptor: int) -> None:
    """The child inherits it, so that the lock is held for as long as the child lives."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        now = look()
        raise VConsoleError(
            f"it has to wait: {now.command if now else 'another one'} is still going on",
            "wait until it is done",
            ExitCode.REFUSED,
            kind="busy",
        ) from error


def _is_locked(descriptor: int) -> bool:
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return False
    return True
