"""Bringing the supervisor up through the user's unit, where one is installed for it.

Only an inactive unit is started, and only for the supervisor's own sake: no server comes with it
that nobody asked for. One that failed is left for its user to look at.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from vconsole import paths
from vconsole.errors import VConsoleError
from vconsole.host import systemd
from vconsole.host.service.installed import installed_for
from vconsole.host.service.plan import UNIT
from vconsole.supervisor.unit import occasion


def starts(tell: Callable[[str], None]) -> bool:
    """Whether the unit was told to start, or does already; `tell` gets why not."""
    if not systemd.is_booted() or installed_for(paths.state_dir()) is None:
        return False
    try:
        return asyncio.run(_start(tell))
    except VConsoleError as error:
        tell(f"{UNIT} cannot be started: {error.message}; this supervisor runs outside of it")
        return False


async def _start(tell: Callable[[str], None]) -> bool:
    from vconsole.host.units import Scope, manager_of

    manager = await manager_of(Scope.USER)
    if manager is None:
        return False
    try:
        state = await manager.unit(UNIT)
        if state.active_state == "failed":
            tell(
                f"{UNIT} failed ({state.status_text or 'see its journal'}), so this supervisor "
                "runs outside of it; `vconsole service journal` says more, and "
                f"`systemctl --user start {UNIT}` takes over without stopping a server"
            )
            return False
        if not state.active:
            await asyncio.to_thread(occasion.leave, occasion.Mark.QUIET)
            # Starts count towards the limit of restarts; this one was asked for.
            with suppress(VConsoleError):
                await manager.forget_failure(UNIT)
            await manager.begin(UNIT)
        return True
    finally:
        await manager.close()
