"""Who is at the other end of the socket, as the kernel says it, and what they may.

Our own user and root may do everything. Where the supervisor is shared with a group, its members
may too, and everybody may look.
"""

from __future__ import annotations

import errno
import grp
import os
import pwd
import socket
import struct
from dataclasses import dataclass

from aiohttp import web

from vconsole import settings
from vconsole.errors import ExitCode, VConsoleError

CREDENTIALS = struct.Struct("3i")
# Of asm-generic/socket.h; Python has no name for it.
SO_PEERGROUPS = 59
# All that Python lets an option hold: 256 groups.
LARGEST_OPTION_BYTES = 1024
LOOKING = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class Peer:
    uid: int
    groups: frozenset[int]


def shared_group() -> int | None:
    """The group that the settings share the supervisor with; one that is not there is an error."""
    name = settings.load().supervisor.group
    if not name:
        return None
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError as error:
        raise VConsoleError(
            f"there is no group {name} to share the supervisor with",
            f"groupadd {name}, or leave supervisor.group empty",
            ExitCode.USAGE,
        ) from error


def group_name(gid: int | None) -> str | None:
    try:
        return None if gid is None else grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def require_allowed(request: web.Request, shared_with: int | None) -> None:
    """Refuse (exit code 5) who may not do this, by SO_PEERCRED and SO_PEERGROUPS (unix(7))."""
    transport = request.transport
    connection = transport.get_extra_info("socket") if transport else None
    if connection is None:
        raise VConsoleError("the connection is gone", exit_code=ExitCode.REFUSED)
    require(peer_of(connection), request.method, shared_with)


def require(peer: Peer, method: str, shared_with: int | None) -> None:
    """Refuse what this peer may not do; `shared_with` is the group's number."""
    if peer.uid in {os.geteuid(), 0}:
        return
    if shared_with is None:
        raise VConsoleError(
            f"this supervisor belongs to uid {os.geteuid()}; you are uid {peer.uid}",
            "use one of your own: leave VCONSOLE_SOCKET unset",
            ExitCode.REFUSED,
            kind="not_yours",
        )
    if method in LOOKING or shared_with in peer.groups:
        return
    group = group_name(shared_with)
    raise VConsoleError(
        f"you may look at this supervisor, but only members of the group {group} may act",
        f"sudo usermod -aG {group} {_user_name(peer.uid)}   (it counts from the next login on)",
        ExitCode.REFUSED,
        kind="not_permitted",
    )


def peer_of(connection: socket.socket) -> Peer:
    """Who connected, as they were then."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
    _, uid, gid = CREDENTIALS.unpack(raw)
    return Peer(uid, frozenset({gid, *_groups(connection, uid, gid)}))


def _groups(connection: socket.socket, uid: int, gid: int) -> list[int]:
    """The groups of the process that connected; of one with very many, those of its user."""
    try:
        listed = connection.getsockopt(socket.SOL_SOCKET, SO_PEERGROUPS, LARGEST_OPTION_BYTES)
    except OSError as error:
        if error.errno != errno.ERANGE:
            return []
        return os.getgrouplist(_user_name(uid), gid)
    return list(struct.unpack(f"{len(listed) // 4}I", listed))


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
