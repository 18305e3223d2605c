"""Which processes belong to a run of a server, proved by more than parenthood.

A process is a (pid, start time) pair, so that a recycled pid is never mistaken for ours. A run's
tree is every process of its session, every one recorded earlier, and every one that carries the
run's tag in its environment.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from vconsole.host import procfs

TAG_VARIABLE = "VCONSOLE_RUN"
# The state folder of the supervisor that spawned it: two of them never end each other's strays.
HOME_VARIABLE = "VCONSOLE_HOME"
GONE_STATES = frozenset({"Z", "X"})


@dataclass(frozen=True, slots=True, order=True)
class ProcessId:
    """A process of this boot; `start_ticks` is field 22 of `/proc/PID/stat` (proc(5))."""

    pid: int
    start_ticks: int


@cache
def boot_id() -> str:
    """The kernel's name for this boot: start times are comparable only within one."""
    return (procfs.PROC / "sys/kernel/random/boot_id").read_text().strip()


def identify(pid: int) -> ProcessId | None:
    """The process that has this pid now, or None where there is none or it is a zombie."""
    fields = procfs.stat_fields(pid)
    if fields is None or fields[procfs.STATE] in GONE_STATES:
        return None
    return ProcessId(pid, int(fields[procfs.START_TICKS]))


def is_alive(process: ProcessId) -> bool:
    """Whether this very process still runs; a zombie does not."""
    return identify(process.pid) == process


@dataclass(frozen=True, slots=True)
class Look:
    """A process as it is now; `cpu_ticks` is its user and system time in clock ticks."""

    state: str
    cpu_ticks: int


def look_at(process: ProcessId) -> Look | None:
    """The state of this very process, None where it is gone or a zombie."""
    fields = procfs.stat_fields(process.pid)
    if (
        fields is None
        or fields[procfs.STATE] in GONE_STATES
        or int(fields[procfs.START_TICKS]) != process.start_ticks
    ):
        return None
    return Look(fields[0], int(fields[11]) + int(fields[12]))


def command_line(pid: int) -> str:
    """The command line as `ps` shows it, empty where there is none to read."""
    try:
        return (procfs.PROC / str(pid) / "cmdline").read_text(errors="replace").replace("\0", " ")
    except OSError:
        return ""


def state_letter(process: ProcessId) -> str | None:
    """`R`, `S`, `D`, `T` ... of a process that is alive, as in `/proc/PID/stat`."""
    fields = procfs.stat_fields(process.pid)
    return fields[0] if fields and int(fields[procfs.START_TICKS]) == process.start_ticks else None


def session_members(leader: ProcessId) -> frozenset[ProcessId]:
    """Every living process of the session that `leader` began, as long as it leads it.

    Once the leader is gone its number may come to name a stranger's session, so that what is left
    has to be known by the record or the tag.
    """
    if not is_alive(leader):
        return frozenset()
    members = (identify(pid) for pid in procfs.pids() if _session_of(pid) == leader.pid)
    return frozenset(member for member in members if member)


def tagged(tag: str) -> frozenset[ProcessId]:
    """Every living process whose environment names this run; reads all of `/proc`."""
    wanted = f"{TAG_VARIABLE}={tag}".encode()
    found = (identify(pid) for pid in procfs.pids() if wanted in _environment(pid))
    return frozenset(process for process in found if process)


def strays(state_folder: Path, known_tags: frozenset[str]) -> dict[str, frozenset[ProcessId]]:
    """Processes spawned from `state_folder` whose run no record knows, by their tag."""
    home, prefix = f"{HOME_VARIABLE}={state_folder}".encode(), f"{TAG_VARIABLE}=".encode()
    found: dict[str, set[ProcessId]] = {}
    for pid in procfs.pids():
        environment = _environment(pid)
        tags = [entry[len(prefix) :].decode() for entry in environment if entry.startswith(prefix)]
        process = identify(pid) if home in environment and tags else None
        if process and tags[0] not in known_tags:
            found.setdefault(tags[0], set()).add(process)
    return {tag: frozenset(processes) for tag, processes in found.items()}


def descendants(roots: frozenset[ProcessId]) -> frozenset[ProcessId]:
    """What living `roots` started in their own sessions, and that runs the same program as they.

    A shell that became a server by `exec` is the parent of its user's other jobs: those run
    something else, and are none of the server's.
    """
    family = {process.pid: process for process in living(roots)}
    sessions = {_session_of(pid) for pid in family} - {None}
    others = [pid for pid in procfs.pids() if pid not in family and _session_of(pid) in sessions]
    grown = bool(family)
    while grown:
        found = {pid: child for pid in others if (child := _child_in(family, pid))}
        others = [pid for pid in others if pid not in found]
        family |= found
        grown = bool(found)
    return frozenset(family.values())


def _child_in(family: Mapping[int, ProcessId], pid: int) -> ProcessId | None:
    fields = procfs.stat_fields(pid)
    if fields is None or fields[procfs.STATE] in GONE_STATES:
        return None
    parent, program = int(fields[procfs.PARENT]), procfs.link(pid, "exe")
    if parent not in family or program is None or program != procfs.link(parent, "exe"):
        return None
    return ProcessId(pid, int(fields[procfs.START_TICKS]))


def living(processes: Iterable[ProcessId]) -> frozenset[ProcessId]:
    return frozenset(process for process in processes if is_alive(process))


def send(process: ProcessId, number: signal.Signals) -> bool:
    """Signal this very process through a pidfd; False where it is gone already."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return False
    try:
        if identify(process.pid) != process:
            return False
        signal.pidfd_send_signal(descriptor, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(descriptor)
    return True


def _session_of(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except (ProcessLookupError, PermissionError):
        return None


def _environment(pid: int) -> list[bytes]:
    try:
        return (procfs.PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return []
