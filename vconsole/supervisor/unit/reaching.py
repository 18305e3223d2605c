"""Reaching the manager of units, patiently where it is about to come up.

Enabling lingering, a login and a boot only begin the start of a user's manager: on a busy machine
it is a while until it listens. Where nothing would start it, that is said soon.
"""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

from vconsole.errors import ExitCode, VConsoleError
from vconsole.host import systemd
from vconsole.host.service.plan import UNIT
from vconsole.host.units import Scope, UnitManager, UnitState, manager_of

# systemd's own limit for a start (DefaultTimeoutStartSec), and how soon logind has begun one.
COMES_S = 90.0
BEGINS_S = 5.0
POLL_S = 0.25
COMING = frozenset({"active", "activating", "reloading", "deactivating"})


def require_systemd() -> None:
    if not systemd.is_booted():
        raise VConsoleError(
            "no systemd is booted here, as in most containers, so that no unit can be installed",
            "the supervisor starts by itself all the same; as a container's own command "
            "`vconsole supervisor run --serve PROFILE` serves, and drains when it is stopped",
            ExitCode.REFUSED,
            kind="no_systemd",
        )


async def manager(scope: Scope) -> UnitManager:
    """The manager of that scope. One that is not there, and will not be, is `no_manager`."""
    require_systemd()
    began_s = time.monotonic()
    while (found := await _reached(scope)) is None:
        waited_s = time.monotonic() - began_s
        if scope is Scope.USER and waited_s > BEGINS_S:
            await _require_hope(waited_s)
        elif waited_s > COMES_S:
            raise _no_manager("systemd does not answer", "see: systemctl status")
        await asyncio.sleep(POLL_S)
    return found


async def _reached(scope: Scope) -> UnitManager | None:
    """A manager that answers; a user's socket may be there before anybody listens on it."""
    if scope is Scope.USER and not any(path.exists() for path in _sockets()):
        return None
    found = await manager_of(scope)
    if found is None:
        return None
    try:
        await found.unit(UNIT)
    except VConsoleError:
        await found.close()
        return None
    return found


async def _require_hope(waited_s: float) -> None:
    """An error where the user's manager failed, takes too long, or where nobody starts it."""
    uid, user = os.geteuid(), systemd.user_name(os.geteuid())
    unit = f"user@{uid}.service"
    known = await _seen_by_the_system(unit)
    state = known.active_state if known else ""
    if state == "failed":
        remedy = f"sudo systemctl restart {unit}   (its words: journalctl -u {unit})"
        raise _no_manager(f"your manager of units, {unit}, failed to start", remedy)
    lingers = user is not None and systemd.lingers(user)
    if state not in COMING and not lingers:
        raise _no_manager(
            "your manager of units does not answer: nobody is logged in, and you do not linger",
            f"sudo loginctl enable-linger {user or uid}",
        )
    if waited_s > COMES_S:
        why = f"is {state or 'not there'}, and does not answer"
        see = f"systemctl status {unit} user-runtime-dir@{uid}.service"
        remedy = f"sudo systemctl restart {unit}   (why it is so: {see})"
        raise _no_manager(f"your manager of units {why} after {COMES_S:.0f} s", remedy)


async def _seen_by_the_system(unit: str) -> UnitState | None:
    """How the system's manager, which everybody may ask, sees it; None where it does not say."""
    system = await manager_of(Scope.SYSTEM)
    if system is None:
        return None
    try:
        return await system.unit(unit)
    except VConsoleError:
        return None
    finally:
        await system.close()


def _sockets() -> tuple[Path, ...]:
    """The user's bus, and the manager's own socket, by which `systemctl` does without one."""
    folder = Path(f"/run/user/{os.geteuid()}")
    return folder / "bus", folder / "systemd" / "private"


def _no_manager(message: str, remedy: str) -> VConsoleError:
    return VConsoleError(message, remedy, ExitCode.REFUSED, kind="no_manager")
