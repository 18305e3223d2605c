"""Which TCP ports are listened on, by whom, and where they can be reached from this machine."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from vconsole.host.procfs import PROC

# TCP_LISTEN of the kernel's tcp_states.h, as `/proc/net/tcp` writes it.
LISTEN = b"0A"


@dataclass(frozen=True, slots=True)
class Listener:
    """A listening socket; `host` is an address at which this machine reaches it."""

    host: str
    port: int
    uid: int
    inode: int


def listeners() -> tuple[Listener, ...]:
    """Every TCP listener of our network namespace, other users' as well."""
    return tuple(found for name in ("tcp", "tcp6") for found in _read_table(name))


def _read_table(name: str) -> Iterator[Listener]:
    try:
        lines = (PROC / "net" / name).read_bytes().splitlines()[1:]
    except OSError:
        return
    for line in lines:
        fields = line.split()
        if len(fields) > 9 and fields[3] == LISTEN:
            address, _, port = fields[1].partition(b":")
            yield Listener(
                reachable(address.decode()), int(port, 16), int(fields[7]), int(fields[9])
            )


def reachable(hexadecimal: str) -> str:
    """An address of `/proc/net/tcp` (words in host byte order); "any" becomes the loopback."""
    words = [int(hexadecimal[i : i + 8], 16) for i in range(0, len(hexadecimal), 8)]
    address = ipaddress.ip_address(struct.pack(f"={len(words)}I", *words))
    if isinstance(address, ipaddress.IPv6Address):
        mapped = address.ipv4_mapped
        if mapped is None:
            return "::1" if address.is_unspecified else str(address)
        address = mapped
    return "127.0.0.1" if address.is_unspecified else str(address)
