"""Putting the unit in its place and taking it away, step by step; `tell` gets what happens.

A server that runs is handed over: the supervisor leaves alone, and the unit's adopts what it left.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import suppress

from vconsole import paths
from vconsole.errors import ExitCode, VConsoleError
from vconsole.host import systemd
from vconsole.host.service import files
from vconsole.host.service.installed import InstalledUnit
from vconsole.host.service.plan import UNIT, UnitPlan, unit_path
from vconsole.host.service.text import unit_text
from vconsole.host.units import Scope, UnitManager, UnitState
from vconsole.supervisor.autostart import running_supervisor, wait_until_left
from vconsole.supervisor.unit import occasion
from vconsole.supervisor.unit.reaching import manager

# On a busy machine; mostly it is a second.
LEAVES_S = 60.0
POLL_S = 0.25
Tell = Callable[[str], None]


async def install(plan: UnitPlan, before: InstalledUnit | None, tell: Tell) -> None:
    """Write the unit, enable it, hand over what runs and begin its start."""
    if plan.scope is Scope.USER:
        _linger(tell)
    units = await manager(plan.scope)
    try:
        if plan.scope is Scope.SYSTEM:
            files.make_account(tell)
            await asyncio.to_thread(_say_what_runs_beside, tell)
        text = unit_text(plan)
        changed = before is None or before.text != text
        if changed:
            files.write(unit_path(plan.scope), text)
            tell(f"wrote {unit_path(plan.scope)}")
            await units.reload()
        state = await units.unit(UNIT)
        if not state.enabled:
            await units.enable(UNIT)
            tell(f"enabled {UNIT}: it starts at boot")
        if state.active and not changed:
            tell(f"{UNIT} is as it would be, and it runs")
            return
        await asyncio.to_thread(hand_over, plan.scope, tell)
        await _settled(units)
        with suppress(VConsoleError):
            await units.forget_failure(UNIT)
        files.remove(plan.state / occasion.note_path().name)
        await units.begin(UNIT)
    finally:
        await units.close()


def hand_over(scope: Scope, tell: Tell) -> None:
    """Have the supervisor leave that runs now; each server of it keeps running."""
    own = paths.socket_path() if scope is Scope.USER else paths.system_socket_path()
    client = running_supervisor(own)
    if client is None:
        return
    info, page = client.info(), client.status()
    for server in page.servers:
        if server.pid:
            tell(f"{server.name} ({server.served_name}, pid {server.pid}) keeps running")
    if page.servers and info.survives_logout is False:
        tell(
            "warning: it was started in a login session that systemd ends with all that is in it; "
            "the unit starts it again then"
        )
    client.shut_down("keep")
    if not wait_until_left(client, info.pid, LEAVES_S):
        raise VConsoleError(f"supervisor {info.pid} has not left after {LEAVES_S:.0f} s")
    tell(f"supervisor {info.pid} has left; the next one adopts what it left")


def _say_what_runs_beside(tell: Tell) -> None:
    """Servers of another user are not handed over: the unit's account could not end them."""
    own = running_supervisor(paths.socket_path())
    for server in own.status().servers if own else ():
        if server.pid:
            tell(
                f"warning: your own {server.name} ({server.served_name}, pid {server.pid}) keeps "
                f"{server.url} and its memory: the unit does not take it over, and cannot start on "
                f"that port; `vconsole stop --name {server.name}` makes room"
            )


async def follow(scope: Scope, timeout_s: float | None, tell: Tell) -> UnitState:
    """Wait until the unit is up, its words on the way; one that fails is an error."""
    units = await manager(scope)
    deadline_s = time.monotonic() + timeout_s if timeout_s else None
    said = ""
    try:
        while True:
            state = await units.unit(UNIT)
            if state.status_text and state.status_text != said:
                said = state.status_text
                tell(said)
            if state.active_state == "active":
                return state
            if state.active_state == "failed":
                raise VConsoleError(
                    f"{UNIT} failed: {said or 'it ended at once'}",
                    f"vconsole service journal --{scope}",
                )
            if deadline_s and time.monotonic() > deadline_s:
                raise VConsoleError(
                    f"{UNIT} is {state.active_state} still: {said}",
                    "`vconsole service status` follows it",
                    ExitCode.TIMED_OUT,
                )
            await asyncio.sleep(POLL_S)
    finally:
        await units.close()


async def uninstall(found: InstalledUnit, keep_servers: bool, purge: bool, tell: Tell) -> None:
    """Stop the unit, which drains its servers (or leave those), and remove what was installed."""
    units = await manager(found.scope)
    try:
        if keep_servers:
            await asyncio.to_thread(hand_over, found.scope, tell)
        await units.stop(UNIT)
        tell(f"stopped {UNIT}")
        await units.disable(UNIT)
        files.remove(found.path)
        tell(f"removed {found.path}")
        drop_ins = found.path.with_name(f"{found.path.name}.d")
        await units.reload()
        with suppress(VConsoleError):
            await units.forget_failure(UNIT)
    finally:
        await units.close()
    files.remove(found.state / occasion.note_path().name)
    if drop_ins.exists():
        tell(f"left: {drop_ins}, which vconsole did not write")
    if found.scope is Scope.SYSTEM:
        files.remove_account(found.made_account, purge, tell)
    elif not found.lingered_before and not keep_servers:
        _stop_lingering(tell)


async def _settled(units: UnitManager) -> None:
    """Wait for a unit whose supervisor left to be seen as gone; it cannot be started before."""
    deadline_s = time.monotonic() + LEAVES_S
    while (await units.unit(UNIT)).active_state in {"deactivating", "active"}:
        if time.monotonic() > deadline_s:
            raise VConsoleError(f"{UNIT} has not ended after {LEAVES_S:.0f} s")
        await asyncio.sleep(POLL_S)


def _linger(tell: Tell) -> None:
    """Let the user's manager live from boot on; where that is refused, say what that means."""
    user = systemd.user_name(os.geteuid())
    if user is None or systemd.lingers(user):
        return
    if files.set_linger(user, True):
        tell(f"enabled lingering for {user}: the unit runs from boot on, without a login")
        return
    tell(
        "warning: you may not enable lingering, so that the unit ends at your last logout and does"
        f" not start at boot; an administrator may: sudo loginctl enable-linger {user}"
    )


def _stop_lingering(tell: Tell) -> None:
    user = systemd.user_name(os.geteuid())
    if user and files.set_linger(user, False):
        tell(f"disabled lingering for {user}, as it was before")
