"""How the unit is now: what `vconsole service status` and the console's page of it say."""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass

from vconsole.errors import VConsoleError
from vconsole.host import systemd
from vconsole.host.service.installed import InstalledUnit
from vconsole.host.service.plan import UNIT
from vconsole.host.units import Scope
from vconsole.supervisor.unit.reaching import manager


@dataclass(frozen=True, slots=True)
class ServiceReport:
    """What `vconsole service` prints; `linger` is None for the system's unit, which needs none."""

    unit: str
    scope: Scope
    state: str
    linger: bool | None
    installed: bool
    enabled: bool = False
    path: str | None = None
    profile: str | None = None
    status_text: str = ""
    pid: int | None = None
    restarts: int = 0


async def report(scope: Scope, found: InstalledUnit | None) -> ServiceReport:
    """How the unit is now."""
    user = systemd.user_name(os.geteuid())
    linger = systemd.lingers(user) if user and scope is Scope.USER else None
    try:
        units = await manager(scope)
    except VConsoleError as error:
        if error.kind != "no_manager":
            raise
        return ServiceReport(UNIT, scope, "unknown", linger, found is not None)
    try:
        state = await units.unit(UNIT)
    finally:
        await units.close()
    return ServiceReport(
        unit=UNIT,
        scope=scope,
        state=state.active_state if state.exists else "not installed",
        linger=linger,
        installed=found is not None,
        enabled=state.enabled,
        path=str(found.path) if found else None,
        profile=found.profile if found else None,
        status_text=state.status_text,
        pid=state.main_pid or None,
        restarts=state.restarts,
    )


def report_lines(found: ServiceReport) -> list[str]:
    """The unit, for people."""
    if not found.installed:
        return [f"{found.unit} is not installed for the {found.scope}"]
    lines = [f"{found.unit} ({found.scope}) is {found.state}, for {found.profile}"]
    lines += [f"  says    {found.status_text}"] if found.status_text else []
    lines += [f"  pid     {found.pid}, restarted {found.restarts} times"] if found.pid else []
    lines.append(f"  boot    {'enabled' if found.enabled else 'not enabled'}")
    if found.linger is not None:
        ends = "" if found.linger else ": it ends at your last logout"
        lines.append(f"  linger  {'yes' if found.linger else 'no'}{ends}")
    lines.append(f"  file    {found.path}")
    return lines


def differences(found: InstalledUnit, text: str) -> list[str]:
    """What an install would change in the unit that is there; nothing where they are equal."""
    names = ("installed", "as install would write it")
    return list(
        difflib.unified_diff(found.text.splitlines(), text.splitlines(), *names, lineterm="")
    )
