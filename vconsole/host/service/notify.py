"""Talking to the manager that started us, as sd_notify(3) does: datagrams on its socket.

Where nobody asked for it (no NOTIFY_SOCKET) nothing is sent.
"""

from __future__ import annotations

import os
import socket
from collections.abc import MutableMapping


class Notifier:
    """Takes the socket out of the environment, so that no child speaks for us."""

    def __init__(self, environ: MutableMapping[str, str] | None = None) -> None:
        environ = os.environ if environ is None else environ
        address = environ.pop("NOTIFY_SOCKET", "")
        self.watched = environ.pop("WATCHDOG_USEC", "").isdecimal()
        environ.pop("WATCHDOG_PID", None)
        # An abstract address begins with a zero byte, which no environment can hold.
        self._address = f"\0{address[1:]}" if address.startswith("@") else address

    @property
    def listening(self) -> bool:
        return bool(self._address)

    def send(self, **facts: str | int) -> bool:
        """Send `READY=1` and the like; whether it went out. A manager that is gone is no error."""
        if not self._address:
            return False
        lines = "\n".join(f"{name}={_one_line(value)}" for name, value in facts.items())
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as way:
                way.connect(self._address)
                way.sendall(lines.encode())
        except OSError:
            return False
        return True


def _one_line(value: str | int) -> str:
    return " ".join(str(value).split())
