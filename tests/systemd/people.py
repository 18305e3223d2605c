"""Users of a booted machine, and what root sees of their processes by its own means."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tests.support.home import SCRIPT, wait_until
from tests.systemd.machine import Done, Machine

STAND_IN = "/opt/engine"
PATH = "/usr/bin:/bin"
# States of a user that sd_uid_get_state(3) names; the others are closing and lingering.
HERE = frozenset({"opening", "online", "active"})
PORTS = iter(range(8100, 8200))
# For what takes a second or two on an idle machine.
PATIENCE_S = 90.0


@dataclass(frozen=True)
class Person:
    """A user with a home; every command is a login session of its own, unless said otherwise."""

    machine: Machine
    name: str
    engine: str = STAND_IN

    @classmethod
    def new(
        cls, machine: Machine, name: str, lingers: bool = False, engine: str = STAND_IN
    ) -> Person:
        if machine.run("id", name).returncode != 0:
            assert machine.run("useradd", "--create-home", name).returncode == 0
        person = cls(machine, name, engine)
        if lingers:
            assert machine.run("loginctl", "enable-linger", name).returncode == 0
            # That only begins the start of the user's manager.
            ask = ("systemctl", "--user", f"--machine={name}@", "is-active", "default.target")
            wait_until("the manager is up", lambda: machine.run(*ask).returncode == 0, PATIENCE_S)
        return person

    def vconsole(self, *arguments: str, session: bool = True, **environment: str) -> Done:
        enter = self.machine.login if session else self.machine.without_login
        return enter(self.name, str(SCRIPT), *arguments, VCONSOLE_ENGINE=self.engine, **environment)

    def data(self, *arguments: str, session: bool = True, **environment: str) -> dict[str, Any]:
        """What a command that has to succeed prints as JSON."""
        done = self.vconsole(*arguments, "--json", session=session, **environment)
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def shell(self, script: str) -> Done:
        """Run several commands in one login session."""
        path = f"{SCRIPT.parent}:{PATH}"
        return self.machine.login(
            self.name, "bash", "-c", script, PATH=path, VCONSOLE_ENGINE=self.engine
        )

    def start(self, model: str = "/opt/model", session: bool = True, **environment: str) -> Done:
        started = self.vconsole(
            *("start", model, "--port", str(next(PORTS)), "--json"),
            session=session,
            **environment,
        )
        assert started.returncode == 0, started.stderr
        return started

    def log_out(self) -> None:
        """Wait until logind takes the sessions of the commands that ended for over."""
        wait_until("the user is logged out", lambda: self._state() not in HERE, PATIENCE_S)

    def processes(self, pattern: str = "") -> list[int]:
        """The pids of this user's processes whose command line has `pattern`."""
        found = self.machine.run("pgrep", "--uid", self.name, "--full", "--", pattern).stdout
        return [int(pid) for pid in found.split()]

    def read(self, path: str) -> str:
        return self.machine.run("cat", path).stdout

    def cgroup(self, pid: int) -> str:
        return self.read(f"/proc/{pid}/cgroup").splitlines()[-1].removeprefix("0::")

    def _state(self) -> str:
        """What logind says; empty where it does not know the user any more."""
        ask = ("loginctl", "show-user", self.name, "--property=State", "--value")
        return self.machine.run(*ask).stdout.strip()
