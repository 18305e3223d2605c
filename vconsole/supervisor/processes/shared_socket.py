"""The socket that another process of ours has bound, as a descriptor of our own.

vLLM binds its port long before it listens. pidfd_getfd(2) duplicates that very socket, so that
somebody can answer on the port meanwhile, and nothing changes hands when vLLM begins to listen.
In the same way a server that drains can be made to listen no more.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
from collections.abc import Callable

from vconsole.supervisor.processes.portlock import lock_address
from vconsole.supervisor.processes.tree import ProcessId, is_alive

# The same number on every architecture (asm-generic/unistd.h), since Linux 5.6.
PIDFD_GETFD = 438
_libc = ctypes.CDLL(None, use_errno=True)


def bound_socket(process: ProcessId, port: int) -> socket.socket | None:
    """The TCP socket that `process` has bound to `port`, None while there is none or we may not.

    The kernel wants the right to trace that process: the same user, and no stricter policy.
    """
    return _socket_of(process, lambda found: _is_bound_to(found, port))


def stop_listening(process: ProcessId, port: int) -> bool:
    """Have `process` accept nobody on `port` any more; whether it listened and we may do that.

    Who is connected already is served on. The port is free for another listener at once.
    """
    found = bound_socket(process, port)
    if found is None:
        return False
    with found:
        if not found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            return False
        with contextlib.suppress(OSError):
            found.shutdown(socket.SHUT_RDWR)
    return True


def port_lock_of(process: ProcessId, port: int) -> socket.socket | None:
    """The lock of `port` that `process` holds, in the same way."""
    return _socket_of(process, lambda found: _is_lock_of(found, port))


def _socket_of(
    process: ProcessId, is_wanted: Callable[[socket.socket], bool]
) -> socket.socket | None:
    try:
        pidfd = os.pidfd_open(process.pid)
    except OSError:
        return None
    try:
        if not is_alive(process):
            return None
        for number in _socket_numbers(process.pid):
            found = _duplicate(pidfd, number)
            if found is None:
                continue
            if is_wanted(found):
                return found
            found.close()
    finally:
        os.close(pidfd)
    return None


def _socket_numbers(pid: int) -> list[int]:
    folder = f"/proc/{pid}/fd"
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    return [int(name) for name in names if _is_socket(f"{folder}/{name}")]


def _is_socket(entry: str) -> bool:
    """Descriptors come and go while one looks."""
    try:
        return os.readlink(entry).startswith("socket:")
    except OSError:
        return False


def _duplicate(pidfd: int, number: int) -> socket.socket | None:
    descriptor = _libc.syscall(PIDFD_GETFD, pidfd, number, 0)
    if descriptor < 0:
        return None
    try:
        return socket.socket(fileno=descriptor)
    except OSError:
        os.close(descriptor)
        return None


def _is_bound_to(found: socket.socket, port: int) -> bool:
    if found.family not in {socket.AF_INET, socket.AF_INET6} or found.type != socket.SOCK_STREAM:
        return False
    try:
        # A connection of the port's has the same name, but is no listener to be.
        found.getpeername()
    except OSError:
        return bool(found.getsockname()[1] == port)
    return False


def _is_lock_of(found: socket.socket, port: int) -> bool:
    return found.family == socket.AF_UNIX and found.getsockname() == lock_address(port)
