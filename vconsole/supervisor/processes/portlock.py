"""A lock for each port, so that no two servers load a model for the same one.

vLLM binds its port before it loads and listens only afterwards, in a way that lets
two servers load side by side and fails one of them minutes later. The lock is an abstract Unix
socket: it spans all users of a network namespace, exactly as ports do, needs no file, and is
inherited by the server, so that it lives just as long as the server whatever becomes of us.
"""

from __future__ import annotations

import asyncio
import errno
import socket

from vconsole.errors import ExitCode, VConsoleError

LETS_GO_POLLS, LETS_GO_POLL_S = 50, 0.1


def lock_address(port: int) -> bytes:
    return f"\0vconsole-port-{port}".encode()


def lock_port(port: int) -> socket.socket:
    """Take the lock of `port`; refused (exit code 5) while another server has it."""
    held = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        held.bind(lock_address(port))
    except OSError as error:
        held.close()
        if error.errno != errno.EADDRINUSE:
            raise
        raise VConsoleError(
            f"another server of vconsole has port {port} or is starting on it",
            f"give another: --port {port + 1}",
            ExitCode.REFUSED,
            kind="port_in_use",
        ) from error
    return held


async def until_free(port: int) -> None:
    """Wait a moment for the lock of a server that has just ended.

    A leader is a zombie while its other threads still hold its files (seen after SIGKILL).
    """
    for _ in range(LETS_GO_POLLS):
        try:
            lock_port(port).close()
        except VConsoleError:
            await asyncio.sleep(LETS_GO_POLL_S)
        else:
            return
