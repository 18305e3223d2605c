"""Who is at the other end of the socket: the kernel says, and only our own user may speak."""

from __future__ import annotations

import os
import socket
import struct

from aiohttp import web

from vconsole.errors import ExitCode, VConsoleError

CREDENTIALS = struct.Struct("3i")


def require_same_user(request: web.Request) -> None:
    """Refuse another user than ours and root, by SO_PEERCRED (unix(7))."""
    transport = request.transport
    connection = transport.get_extra_info("socket") if transport else None
    if connection is None:
        raise VConsoleError("the connection is gone", exit_code=ExitCode.REFUSED)
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
    _, uid, _ = CREDENTIALS.unpack(raw)
    if uid not in {os.geteuid(), 0}:
        raise VConsoleError(
            f"this supervisor belongs to uid {os.geteuid()}; you are uid {uid}",
            "use one of your own: leave VCONSOLE_SOCKET unset",
            ExitCode.REFUSED,
            kind="not_yours",
        )
