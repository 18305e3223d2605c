"""Whether we may act on a process that is shared with a group, as its owner would judge us."""

from __future__ import annotations

import grp
import os

from vconsole.host import procfs


def is_outside(group: str, pid: int | None) -> bool:
    """Whether we are neither root, nor the user of process `pid`, nor a member of the group.

    A membership counts from the next login on, as the kernel has it.
    """
    us = os.geteuid()
    if us == 0 or (pid is not None and procfs.owner_uid(pid) == us):
        return False
    try:
        wanted = grp.getgrnam(group).gr_gid
    except KeyError:
        return True
    return wanted not in {os.getegid(), *os.getgroups()}
