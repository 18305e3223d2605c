"""Reading `/proc` (proc(5)) at the cost of its system calls; whoever is gone or hidden is None."""

from __future__ import annotations

import os
from pathlib import Path

PROC = Path("/proc")
# Where each field of `/proc/PID/stat` is in what `stat_fields` returns.
STATE, PARENT, START_TICKS = 0, 1, 19
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
LARGEST_ARGV_BYTES = 128 << 10


def pids() -> list[int]:
    return [int(name) for name in os.listdir(PROC) if name.isdecimal()]


def stat_fields(pid: int) -> list[str] | None:
    """The fields of `/proc/PID/stat` after the command, which may itself hold spaces."""
    text = _read(f"{PROC}/{pid}/stat")
    return text.rpartition(b")")[2].decode().split() if text else None


def raw_argv(pid: int) -> bytes:
    """The command line or the title that took its place, NUL-separated; empty where unknown."""
    return _read(f"{PROC}/{pid}/cmdline") or b""


def argv(pid: int) -> tuple[str, ...]:
    words = raw_argv(pid).rstrip(b"\0").split(b"\0")
    return tuple(word.decode(errors="replace") for word in words)


def environment(pid: int) -> dict[str, str]:
    """The environment that the process was started with; empty where we may not see it."""
    content = _read(f"{PROC}/{pid}/environ", 4 << 20) or b""
    pairs = (entry.partition(b"=") for entry in content.split(b"\0") if b"=" in entry)
    return {name.decode(errors="replace"): os.fsdecode(value) for name, _, value in pairs}


def link(pid: int, name: str) -> str | None:
    """Where `/proc/PID/name` points: `exe`, `cwd`, `ns/pid`, `fd/1`."""
    try:
        return os.readlink(f"{PROC}/{pid}/{name}")
    except OSError:
        return None


def cgroup(pid: int | str) -> str | None:
    """The cgroup that systemd has put it in, in the hierarchy of systemd's (cgroups(7))."""
    lines = (_read(f"{PROC}/{pid}/cgroup") or b"").decode(errors="replace").splitlines()
    fields = (line.split(":", 2) for line in lines if line.count(":") >= 2)
    paths = {controllers: path for _, controllers, path in fields}
    return paths.get("name=systemd") if paths.get("", "/") == "/" else paths[""]


def owner_uid(pid: int) -> int | None:
    try:
        return os.stat(f"{PROC}/{pid}").st_uid
    except OSError:
        return None


def private_bytes(pid: int) -> int:
    """Resident memory that is no file's and not shared; 0 for who is gone."""
    fields = (_read(f"{PROC}/{pid}/statm") or b"0 0 0").split()
    return (int(fields[1]) - int(fields[2])) * PAGE_BYTES


def unfiled_bytes(pid: int) -> int:
    """Resident memory that is no file's, shared or not; 0 for who is gone.

    What a card's driver pins for a process is shared memory, though nobody else has it.
    """
    fields = {}
    for line in (_read(f"{PROC}/{pid}/status") or b"").splitlines():
        name, _, value = line.partition(b":")
        fields[name] = value
    return sum(int(fields.get(name, b"0").split()[0]) << 10 for name in (b"RssAnon", b"RssShmem"))


def socket_inodes(pid: int) -> frozenset[int] | None:
    """The inodes of its open sockets, or None where they are hidden from us."""
    try:
        names = os.listdir(f"{PROC}/{pid}/fd")
    except OSError:
        return None
    links = (link(pid, f"fd/{name}") or "" for name in names)
    return frozenset(int(one[8:-1]) for one in links if one.startswith("socket:["))


def has_mapped(pid: int, part_of_path: bytes) -> bool:
    """Whether a file with that in its path is mapped into the process, as a library is."""
    return part_of_path in (_read(f"{PROC}/{pid}/maps", 4 << 20) or b"")


def _read(path: str, limit_bytes: int = LARGEST_ARGV_BYTES) -> bytes | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    pieces = []
    try:
        while limit_bytes > 0 and (piece := os.read(descriptor, min(limit_bytes, 64 << 10))):
            pieces.append(piece)
            limit_bytes -= len(piece)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return b"".join(pieces)
