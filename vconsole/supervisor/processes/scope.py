"""A cgroup of its own for a process tree: a transient scope of systemd around it.

Whatever a process does (a session of its own, a wiped environment), it cannot leave its cgroup, so
that the scope proves what is ours even where nothing else does. The price is that a scope of a
user's manager ends with that manager: at the user's last logout, unless the user lingers. So it is
taken only where it shortens no life:

- the user lingers: the manager stays, and with it the scope;
- the user does not, but logind ends the processes of a session with it (KillUserProcesses): the
  scope lasts until the last logout, which is longer;
- otherwise (what most distributions do): none. What is left in a session that ended is left alone
  by logind, but would be ended in the scope.

Root needs no manager of its own: its scopes are the system's, which no logout ends.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from vconsole.host import procfs, systemd
from vconsole.supervisor.processes import tree
from vconsole.supervisor.processes.tree import ProcessId

# Where the hierarchy that systemd works in may be: unified, hybrid, legacy.
MOUNTS = tuple(Path("/sys/fs/cgroup") / name for name in ("", "unified", "systemd"))
# The kernel killing a helper for want of memory shall not end the server; no flag is a variable.
OPTIONS_SINCE = ((252, "--property=OOMPolicy=continue"), (254, "--expand-environment=no"))


@dataclass(frozen=True, slots=True)
class Scoping:
    """How to run a command in a scope: `systemd-run` executes it, so that pid and session stay."""

    prefix: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)

    def around(self, tag: str, what: str, command: tuple[str, ...]) -> tuple[str, ...]:
        names = (f"--unit={unit_name(tag)}", f"--description={what}")
        return (*self.prefix, *names, "--", *command)


def offered(facts: systemd.Facts | None = None) -> Scoping | None:
    """How a tree gets a scope here, or None where it cannot or should not; asks systemd."""
    facts = facts or systemd.look()
    runner = shutil.which("systemd-run")
    version = facts.manager_version
    if runner is None or version is None or not _shortens_no_life(facts):
        return None
    whose = () if facts.uid == 0 else ("--user",)
    options = tuple(option for since, option in OPTIONS_SINCE if version >= since)
    common = ("--scope", "--quiet", "--collect", "--property=TasksMax=infinity")
    return Scoping((runner, *whose, *common, *options), systemd.bus_environment(facts.uid))


def unit_name(tag: str) -> str:
    return f"vconsole-{tag}.scope"


def cgroup_of(process: ProcessId, tag: str) -> str | None:
    """The cgroup of the run's scope, as soon as `process` is in it."""
    path = procfs.cgroup(process.pid)
    if path is None or PurePosixPath(path).name != unit_name(tag):
        return None
    return path if tree.is_alive(process) else None


def members(cgroup: str | None, tag: str) -> frozenset[ProcessId]:
    """Every living process of the run's scope, whatever became of it; only a scope of that run."""
    if cgroup is None or PurePosixPath(cgroup).name != unit_name(tag):
        return frozenset()
    found = (tree.identify(pid) for mount in MOUNTS for pid in _pids_below(f"{mount}{cgroup}"))
    return frozenset(process for process in found if process)


def _shortens_no_life(facts: systemd.Facts) -> bool:
    return facts.uid == 0 or facts.lingers is True or facts.kills_at_logout is True


def _pids_below(folder: str) -> list[int]:
    pids: list[int] = []
    for inner, _, files in os.walk(folder):
        if "cgroup.procs" in files:
            pids += _numbers_in(Path(inner) / "cgroup.procs")
    return pids


def _numbers_in(file: Path) -> list[int]:
    """The pids of one cgroup; it may vanish at any time."""
    try:
        return [int(line) for line in file.read_text().split()]
    except OSError:
        return []
