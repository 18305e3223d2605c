"""A really booted systemd for tests: this machine's own root in namespaces, changes in memory only.

It needs root, overlayfs, cgroup2, systemd, dbus and polkit; what is missing is said in one sentence.
Nothing outlives `close`.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROJECT = Path(__file__).parents[2]
BOOT = Path(__file__).parent / "boot.sh"
BOOT_PATIENCE_S = 30.0
CGROUP_MOUNTS = (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified"))
NAMESPACES = ("--pid", "--mount", "--uts", "--ipc", "--net")
NEEDED = ("unshare", "nsenter", "systemd-run", "loginctl", "dbus-daemon", "ip", "useradd")
CLEAN = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}


class CannotBootError(Exception):
    """Why no systemd can be booted here."""


class Machine:
    """A booted system; `run` works in it as root, `login` as a user in a login session."""

    def __init__(self) -> None:
        _require_ground()
        self._scratch = Path(tempfile.mkdtemp(prefix="vconsole-systemd-", dir="/tmp"))
        self._cgroup = _new_cgroup()
        folders = dict.fromkeys((PROJECT, Path(sys.prefix), Path(sys.base_prefix)))
        self._boot_log = tempfile.TemporaryFile()
        self._holder = subprocess.Popen(
            ["unshare", *NAMESPACES, "--fork", "--kill-child=SIGKILL", "--"]
            + [str(BOOT), str(self._scratch), str(self._cgroup), *map(str, folders)],
            stdin=subprocess.DEVNULL,
            stdout=self._boot_log,
            stderr=self._boot_log,
        )
        try:
            self._first = self._until_booted()
        except BaseException:
            self.close()
            raise

    def run(self, *command: str, timeout_s: float = 20) -> subprocess.CompletedProcess[str]:
        """Run a command as root in it, outside of any login session."""
        return subprocess.run(
            ["nsenter", f"--target={self._first}", *NAMESPACES, "--cgroup", "--", *command],
            env=CLEAN,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def login(
        self, user: str, *command: str, timeout_s: float = 30
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in a login session of its own, which ends with it."""
        return self.run("su", "--login", user, "--command", shlex.join(command), timeout_s=timeout_s)

    def close(self) -> None:
        """End every process of it and remove what held it."""
        self._holder.kill()
        self._holder.wait()
        for _ in range(100):
            if not _pids_in(self._cgroup):
                break
            time.sleep(0.05)
        for folder, _, _ in os.walk(self._cgroup, topdown=False):
            with contextlib.suppress(OSError):
                Path(folder).rmdir()
        self._boot_log.close()
        self._scratch.rmdir()

    def _until_booted(self) -> int:
        deadline_s = time.monotonic() + BOOT_PATIENCE_S
        first: int | None = None
        while time.monotonic() < deadline_s and self._holder.poll() is None:
            first = first or _child_that_is_systemd(self._holder.pid)
            self._first = first or 0
            if first and self.run("systemctl", "is-active", "systemd-logind", "dbus").returncode == 0:
                return first
            time.sleep(0.05)
        self._boot_log.seek(0)
        words = self._boot_log.read().decode(errors="replace").strip().splitlines()
        raise CannotBootError(
            "no systemd can be booted in a namespace here: "
            + (words[-1] if words else f"it was not up after {BOOT_PATIENCE_S:.0f} s")
        )


def _require_ground() -> None:
    if os.geteuid() != 0:
        raise CannotBootError("booting a systemd in a namespace needs root: run these tests as root")
    missing = [tool for tool in NEEDED if shutil.which(tool) is None]
    if missing:
        raise CannotBootError(f"{', '.join(missing)} missing: .ci/run installs what is needed")


def _new_cgroup() -> Path:
    for mount in CGROUP_MOUNTS:
        if (mount / "cgroup.controllers").exists():
            folder = mount / f"vconsole-test-{os.getpid()}"
            try:
                folder.mkdir()
            except OSError as error:
                raise CannotBootError(f"cannot make a cgroup in {mount}: {error.strerror}") from error
            return folder
    raise CannotBootError("no cgroup2 is mounted here, and systemd needs one")


def _child_that_is_systemd(pid: int) -> int | None:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for child in map(int, children):
        with contextlib.suppress(OSError):
            if Path(f"/proc/{child}/comm").read_text().strip() == "systemd":
                return child
    return None


def _pids_in(cgroup: Path) -> list[int]:
    found: list[int] = []
    for file in cgroup.rglob("cgroup.procs"):
        with contextlib.suppress(OSError):
            found += map(int, file.read_text().split())
    return found
