"""Every vLLM on this machine that is not ours, as far as `/proc` alone shows it.

What is found here is a suspicion until it answers as vLLM does: a command line proves nothing.
"""

from __future__ import annotations

import pwd
from collections.abc import Mapping
from dataclasses import dataclass

from vconsole.engine.command.command_line import engine_part, expected_port, is_api_server
from vconsole.host import procfs
from vconsole.host.listening import Listener, listeners
from vconsole.host.readings import StrayProcess

TORCH_LIBRARY = b"/torch/lib/"


@dataclass(frozen=True, slots=True)
class VllmProcess:
    """A process that looks like a part of vLLM; `part` is None for an API server by its argv."""

    pid: int
    start_ticks: int
    parent: int
    uid: int
    argv: tuple[str, ...]
    part: str | None = None

    @property
    def may_serve(self) -> bool:
        return self.part is None or self.part.startswith("APIServer")


@dataclass(frozen=True, slots=True)
class Suspect:
    """A possible API server: its vLLM processes, and its ports with the likeliest first."""

    process: VllmProcess
    family: frozenset[int]
    listeners: tuple[Listener, ...]
    memory_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Sighting:
    """One look; `strays` are engine processes that outlived their API server."""

    suspects: tuple[Suspect, ...] = ()
    strays: tuple[StrayProcess, ...] = ()
    pids: frozenset[int] = frozenset()


def look(owned: frozenset[int] = frozenset()) -> Sighting:
    """Look once at all processes; those in `owned`, and what they started, are left out."""
    found = _not_of(owned, _with_hosts(_vllm_processes(owned), owned))
    if not found:
        return Sighting()
    open_ports = listeners()
    heads = [p for p in found.values() if p.may_serve and not _served_by(p, found)]
    suspects = [_suspect(p, found, open_ports) for p in heads]
    served = frozenset(pid for suspect in suspects for pid in suspect.family)
    roots = [p for p in found.values() if p.pid not in served and p.parent not in found]
    strays = [_stray(p, found) for p in roots if _is_orphaned_engine(p)]
    return Sighting(tuple(suspects), tuple(strays), frozenset(found))


def user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _vllm_processes(owned: frozenset[int]) -> dict[int, VllmProcess]:
    found = {}
    for pid in procfs.pids():
        raw = procfs.raw_argv(pid)
        if pid in owned or not (b"vllm" in raw or b"::" in raw):
            continue
        argv = procfs.argv(pid)
        part = engine_part(argv)
        if (part or is_api_server(argv)) and (process := _process(pid, argv, part)):
            found[pid] = process
    return found


def _process(pid: int, argv: tuple[str, ...], part: str | None) -> VllmProcess | None:
    fields, uid = procfs.stat_fields(pid), procfs.owner_uid(pid)
    if fields is None or uid is None:
        return None
    start_ticks, parent = int(fields[procfs.START_TICKS]), int(fields[procfs.PARENT])
    return VllmProcess(pid, start_ticks, parent, uid, argv, part)


def _with_hosts(found: Mapping[int, VllmProcess], owned: frozenset[int]) -> dict[int, VllmProcess]:
    """Add the programs that run an engine inside: a script may serve vLLM under any name."""
    hosts = {}
    for process in found.values():
        parent, exe = process.parent, procfs.link(process.pid, "exe")
        known = parent in found or parent in hosts or parent in owned
        if process.may_serve or known or exe is None or procfs.link(parent, "exe") != exe:
            continue
        if host := _process(parent, procfs.argv(parent), None):
            hosts[parent] = host
    return {**found, **hosts}


def _not_of(owned: frozenset[int], found: Mapping[int, VllmProcess]) -> dict[int, VllmProcess]:
    return {pid: process for pid, process in found.items() if not _descends(process, owned)}


def _descends(process: VllmProcess, owned: frozenset[int]) -> bool:
    parent = process.parent
    while parent > 1 and parent not in owned:
        fields = procfs.stat_fields(parent)
        parent = int(fields[procfs.PARENT]) if fields else 0
    return parent in owned


def _served_by(process: VllmProcess, found: Mapping[int, VllmProcess]) -> VllmProcess | None:
    """The API server above this one; several of them share one port."""
    above = found.get(process.parent)
    while above is not None and not above.may_serve:
        above = found.get(above.parent)
    return above


def _family(head: VllmProcess, found: Mapping[int, VllmProcess]) -> frozenset[int]:
    family = {head.pid}
    grown = True
    while grown:
        more = {p.pid for p in found.values() if p.parent in family} - family
        family |= more
        grown = bool(more)
    return frozenset(family)


def _suspect(
    head: VllmProcess, found: Mapping[int, VllmProcess], open_ports: tuple[Listener, ...]
) -> Suspect:
    family = _family(head, found)
    return Suspect(head, family, _ports(head, open_ports), _memory_bytes(family))


def _memory_bytes(family: frozenset[int]) -> int:
    return sum(procfs.private_bytes(pid) for pid in family)


def _ports(process: VllmProcess, open_ports: tuple[Listener, ...]) -> tuple[Listener, ...]:
    """Its listeners; of another user's process only what its command line says can be known."""
    inodes, port = procfs.socket_inodes(process.pid), expected_port(process.argv)
    if inodes is None:
        return tuple(one for one in open_ports if (one.port, one.uid) == (port, process.uid))
    held = (one for one in open_ports if one.inode in inodes)
    return tuple(sorted(held, key=lambda one: (one.port != port, one.port)))


def _is_orphaned_engine(process: VllmProcess) -> bool:
    """Whether it is an engine, which a title alone does not prove, and its API server is gone."""
    return not process.may_serve and procfs.has_mapped(process.pid, TORCH_LIBRARY)


def _stray(root: VllmProcess, found: Mapping[int, VllmProcess]) -> StrayProcess:
    family = _family(root, found)
    return StrayProcess(
        pid=root.pid,
        user=user_name(root.uid),
        name=root.argv[0].strip(),
        memory_bytes=_memory_bytes(family),
        pids=tuple(sorted(family)),
    )
