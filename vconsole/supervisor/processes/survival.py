"""Whether the supervisor outlives its user's logout, by where systemd has put it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from vconsole.host import procfs, systemd
from vconsole.supervisor.processes import scope
from vconsole.supervisor.processes.scope import Scoping

LOGIN_SESSION = re.compile(r"/session-[^/]+\.scope(?:/|\Z)")
USER_MANAGER = re.compile(r"/user@\d+\.service(?:/|\Z)")


@dataclass(frozen=True, slots=True)
class Survival:
    """`survives_logout` is None where systemd did not tell; the note says what to do about it."""

    survives_logout: bool | None = None
    note: str | None = None


def of_us(facts: systemd.Facts) -> Survival:
    """What becomes of this very process, with what is true of lingering by now."""
    if facts.booted and facts.user:
        facts = replace(facts, lingers=systemd.lingers(facts.user))
    return judge(procfs.cgroup("self"), facts)


def judge(cgroup: str | None, facts: systemd.Facts) -> Survival:
    """What becomes of a process in `cgroup` when its user logs out."""
    if not facts.booted:
        return Survival(True)
    remedy = f"`loginctl enable-linger {facts.user or facts.uid}` (may need sudo)"
    if USER_MANAGER.search(cgroup or ""):
        note = (
            "systemd ends the supervisor and its servers at your last logout, since you do not "
            f"linger; to let them live: {remedy}"
        )
        return Survival(facts.lingers, note if facts.lingers is False else None)
    if LOGIN_SESSION.search(cgroup or ""):
        note = (
            "logind ends the supervisor and its servers at logout (KillUserProcesses=yes); to let "
            f"them live: {remedy}, then `vconsole supervisor stop --servers stop` and start again"
        )
        kills = facts.kills_at_logout
        return Survival(None if kills is None else not kills, note if kills else None)
    return Survival(True)


def scoping_to_survive(cgroup: str | None, facts: systemd.Facts) -> Scoping | None:
    """The scope to start a supervisor in where it would be ended with this login session."""
    in_session = LOGIN_SESSION.search(cgroup or "")
    return scope.offered(facts) if in_session and facts.kills_at_logout else None
