"""A really booted systemd for tests: this machine's own root in namespaces, changes in memory only.

It needs root, overlayfs, cgroup2, systemd, dbus and polkit; what is missing is said in a sentence.
Nothing outlives `close`.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROJECT = Path(__file__).parents[2]
BOOT = Path(__file__).parent / "boot.sh"
BOOT_PATIENCE_S = 120.0
CGROUP_MOUNTS = (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified"))
NAMESPACES = ("--pid", "--mount", "--uts", "--ipc", "--net")
NEEDED = ("unshare", "nsenter", "systemd-run", "loginctl", "dbus-daemon", "ip", "useradd")
# What a login needs; before logind runs, pam_systemd opens no session and says nothing.
UP = ("dbus", "systemd-logind", "systemd-user-sessions", "test.target")
CLEAN = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
NUMBERS = itertools.count()
Done = subprocess.CompletedProcess[str]


class CannotBootError(Exception):
    """Why no systemd can be booted here."""


class Machine:
    """A booted system; `run` works in it as root, `login` as a user in a login session.

    With a `disk`, an empty folder in a tmpfs, its changes last until the next boot from there.
    Every user may enter `folders` in it, the project and our Python, whatever their modes are here.
    """

    def __init__(self, *folders: Path, disk: Path | None = None) -> None:
        _require_ground()
        self._cgroup = _new_cgroup()
        self._scratch = Path(tempfile.mkdtemp(prefix="vconsole-systemd-", dir="/tmp"))
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the machine
        shown = dict.fromkeys((PROJECT, Path(sys.prefix), Path(sys.base_prefix), *folders))
        boot = (str(BOOT), str(self._scratch), str(self._cgroup), *map(str, shown))
        self._holder = subprocess.Popen(
            ["unshare", *NAMESPACES, "--fork", "--kill-child=SIGKILL", "--", *boot],
            env={**os.environ, "VCONSOLE_TEST_DISK": str(disk or "")},
            stdin=subprocess.DEVNULL,
            stdout=self._words,
            stderr=self._words,
        )
        self._first = 0
        try:
            self._boot()
        except BaseException:
            self.close()
            raise

    def run(self, *command: str, timeout_s: float = 240) -> Done:
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

    def login(self, user: str, *command: str, **environment: str) -> Done:
        """Run a command in a login session of its own, which ends with it."""
        given = [f"{name}={value}" for name, value in environment.items()]
        words = shlex.join(["env", *given, *command])
        return self.run("su", "--login", user, "--command", words)

    def without_login(self, user: str, *command: str, **environment: str) -> Done:
        """Run a command as a user whom no session tells where the user's manager is, as cron's."""
        given = [f"{name}={value}" for name, value in environment.items()]
        as_user = ("setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--reset-env")
        return self.run(*as_user, "env", "--chdir=/", *given, *command)

    def close(self) -> None:
        """End every process of it and remove what held it."""
        self._holder.kill()
        self._holder.wait()
        deadline_s = time.monotonic() + 20
        while _pids_in(self._cgroup) and time.monotonic() < deadline_s:
            time.sleep(0.05)
        # The kernel lets go of a group a moment after its last process; on a busy machine, later.
        while not _removed(self._cgroup) and time.monotonic() < deadline_s:
            time.sleep(0.1)
        self._words.close()
        self._scratch.rmdir()

    def _boot(self) -> None:
        deadline_s = time.monotonic() + BOOT_PATIENCE_S
        while time.monotonic() < deadline_s and self._holder.poll() is None:
            self._first = self._first or _systemd_below(self._holder.pid)
            if self._first and self._is_up():
                return
            time.sleep(0.05)
        self._words.seek(0)
        words = self._words.read().decode(errors="replace").strip().splitlines()
        why = words[-1] if words else f"it was not up after {BOOT_PATIENCE_S:.0f} s"
        raise CannotBootError(f"no systemd can be booted in a namespace here: {why}")

    def _is_up(self) -> bool:
        """Each of them: `is-active` of several is content with one."""
        ask = ("systemctl", "is-active")
        return all(self.run(*ask, unit).returncode == 0 for unit in UP)


def _require_ground() -> None:
    if os.geteuid() != 0:
        raise CannotBootError("booting a systemd in a namespace needs root: run the tests as root")
    missing = [tool for tool in NEEDED if shutil.which(tool) is None]
    if missing:
        raise CannotBootError(f"{', '.join(missing)} missing: .ci/run installs what is needed")


def _new_cgroup() -> Path:
    for mount in CGROUP_MOUNTS:
        if (mount / "cgroup.controllers").exists():
            folder = mount / f"vconsole-test-{os.getpid()}-{next(NUMBERS)}"
            try:
                folder.mkdir()
            except OSError as error:
                raise CannotBootError(f"no cgroup can be made in {mount}: {error}") from error
            return folder
    raise CannotBootError("no cgroup2 is mounted here, and systemd needs one")


def _systemd_below(pid: int) -> int:
    """The child of `pid` that has become systemd, 0 while there is none."""
    with contextlib.suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            if Path(f"/proc/{child}/comm").read_text().strip() == "systemd":
                return int(child)
    return 0


def _pids_in(cgroup: Path) -> list[str]:
    found: list[str] = []
    for file in cgroup.rglob("cgroup.procs"):
        with contextlib.suppress(OSError):
            found += file.read_text().split()
    return found


def _removed(cgroup: Path) -> bool:
    """Whether the group and all below it are gone now."""
    try:
        for folder, _, _ in os.walk(cgroup, topdown=False):
            Path(folder).rmdir()
    except OSError:
        return False
    return True
