"""Who runs the Ollama that listens here: a unit, a container, a snap, or somebody's terminal.

Ollama's own installer writes a system unit of that name (its install.sh); packages, snaps and
containers differ, so the process that holds the port is asked, not a list of names. It may be no
Ollama: a container's port is held by its engine's proxy, a tunnelled one by ssh. What would be
stopped is therefore only a unit that is Ollama's own.
"""

from __future__ import annotations

import os
import pwd
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from vconsole.host import listening, procfs, systemd
from vconsole.host.ollama.api import PORT, ollama_url
from vconsole.host.ollama.container import SHORT_ID, engine_command

UNIT = "ollama.service"
# As container engines name their cgroups: docker-ID.scope, libpod-ID.scope, /docker/ID.
CONTAINER = re.compile(
    r"(?P<engine>(?:docker|libpod|crio|containerd|lxc)[-/]|lxc\.payload\.)"
    r"(?P<id>[0-9a-f]{12,64}|[\w.-]+)"
)
SERVICE = re.compile(r"/(?P<unit>[^/]+\.service)(?:/|$)")
USER_MANAGER = re.compile(r"/user@(?P<uid>\d+)\.service/(?P<inside>.*)")


class OwnerKind(StrEnum):
    SYSTEM_UNIT = "system unit"
    USER_UNIT = "user unit"
    CONTAINER = "container"
    SNAP = "snap"
    PROCESS = "process"
    FORWARDED = "forwarded port"
    HIDDEN = "hidden"


UNITS = frozenset({OwnerKind.SYSTEM_UNIT, OwnerKind.USER_UNIT})


@dataclass(frozen=True, slots=True)
class Owner:
    """`unit` is there for units and snaps, `container` for containers; pids may be hidden.

    `program` is what holds a forwarded port, and `pid` is its process then; of a container it is
    the command that drives its engine.
    """

    kind: OwnerKind
    user: str | None = None
    pid: int | None = None
    start_ticks: int | None = None
    unit: str | None = None
    container: str | None = None
    program: str | None = None

    @property
    def words(self) -> str:
        """For people: what it is and whose."""
        named = self.unit or (self.container and self.container[:SHORT_ID]) or self.program
        what = f"{self.kind} {named}" if named else str(self.kind)
        pid = f", pid {self.pid}" if self.pid else ""
        return f"{what} (user {self.user or 'unknown'}{pid})"


def find_owner(port: int | None = None) -> Owner | None:
    """Who holds Ollama's port on this host; None where nobody listens there."""
    port = port or urlsplit(ollama_url()).port or PORT
    holding = [found for found in listening.listeners() if found.port == port]
    if not holding:
        return None
    inodes = {found.inode for found in holding}
    pids = procfs.pids()
    holders = [pid for pid in pids if inodes & (procfs.socket_inodes(pid) or frozenset())]
    ollama = next((pid for pid in holders if _is_ollama(pid)), None)
    if ollama is not None:
        return _owner_of(ollama)
    if holders:
        return _in_a_container(pids) or _forwarder(holders[0])
    return _by_name(pids, holding[0].uid) or _in_a_container(pids) or _hidden(holding[0].uid)


def owner_in_cgroup(cgroup: str) -> tuple[OwnerKind, str | None]:
    """What a cgroup path says of its processes: the kind, and the unit's or container's name."""
    if container := CONTAINER.search(cgroup):
        return OwnerKind.CONTAINER, container["id"].removesuffix(".scope")
    if inside := USER_MANAGER.search(cgroup):
        unit = SERVICE.search("/" + inside["inside"])
        return (OwnerKind.USER_UNIT, unit["unit"]) if unit else (OwnerKind.PROCESS, None)
    if unit := SERVICE.search(cgroup):
        snap = unit["unit"].startswith("snap.")
        return (OwnerKind.SNAP if snap else OwnerKind.SYSTEM_UNIT), unit["unit"]
    return OwnerKind.PROCESS, None


def engine_in_cgroup(cgroup: str) -> str | None:
    """The command that drives the engine of the container whose cgroup that is."""
    container = CONTAINER.search(cgroup)
    return engine_command(container["engine"].rstrip("-/")) if container else None


def _owner_of(pid: int) -> Owner:
    cgroup = procfs.cgroup(pid) or ""
    kind, name = owner_in_cgroup(cgroup)
    if name and kind in UNITS and not _is_ollamas_own(name, kind, pid):
        kind, name = OwnerKind.PROCESS, None
    fields = procfs.stat_fields(pid)
    return Owner(
        kind=kind,
        user=_user(procfs.owner_uid(pid)),
        pid=pid,
        start_ticks=int(fields[procfs.START_TICKS]) if fields else None,
        unit=name if kind is not OwnerKind.CONTAINER else None,
        container=name if kind is OwnerKind.CONTAINER else None,
        program=engine_in_cgroup(cgroup),
    )


def _is_ollamas_own(unit: str, kind: OwnerKind, pid: int) -> bool:
    """Whether stopping the unit ends this Ollama and nothing else; it may be a guest in another."""
    if "ollama" in unit.lower():
        return True
    return systemd.main_pid(unit, is_users=kind is OwnerKind.USER_UNIT) == pid


def _by_name(pids: Iterable[int], uid: int) -> Owner | None:
    """Another user's sockets are hidden from us; its command line and cgroup are not."""
    found = (pid for pid in pids if _serves(pid) and procfs.owner_uid(pid) == uid)
    pid = next(found, None)
    return _owner_of(pid) if pid is not None else None


def _in_a_container(pids: Iterable[int]) -> Owner | None:
    """The one container that serves Ollama: who holds its port here is the engine's proxy."""
    found = [owner for owner in map(_owner_of, filter(_serves, pids)) if owner.container]
    return found[0] if len({owner.container for owner in found}) == 1 else None


def _forwarder(pid: int) -> Owner:
    program = os.path.basename(procfs.argv(pid)[0]) or None
    return Owner(
        OwnerKind.FORWARDED, _user(procfs.owner_uid(pid)), pid, program=program or "a program"
    )


def _hidden(uid: int) -> Owner:
    return Owner(OwnerKind.HIDDEN, _user(uid))


def _is_ollama(pid: int) -> bool:
    """By what it calls itself, or by the file that it runs."""
    names = (procfs.argv(pid)[0], procfs.link(pid, "exe") or "")
    return any("ollama" in os.path.basename(name) for name in names)


def _serves(pid: int) -> bool:
    words = procfs.argv(pid)
    return os.path.basename(words[0]) == "ollama" and words[1:2] in (("serve",), ("start",))


def _user(uid: int | None) -> str | None:
    if uid is None:
        return None
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
