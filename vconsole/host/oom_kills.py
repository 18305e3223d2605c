"""How many processes the kernel has killed since boot because memory ran out.

`oom_kill` of /proc/vmstat (Linux 4.13) counts the kills of a whole machine's lack of memory and
those of a cgroup's limit alike, so that a difference tells an OOM kill from any other SIGKILL.
"""

from __future__ import annotations

from pathlib import Path

VMSTAT = Path("/proc/vmstat")


def oom_kills(vmstat: Path = VMSTAT) -> int | None:
    """The counter, or None where this kernel or container does not show it."""
    try:
        lines = vmstat.read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        name, _, count = line.partition(" ")
        if name == "oom_kill" and count.isdecimal():
            return int(count)
    return None
