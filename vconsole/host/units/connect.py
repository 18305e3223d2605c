"""Which manager can be reached here."""

from __future__ import annotations

from vconsole.host import systemd
from vconsole.host.units.unit import Scope, UnitManager


async def manager_of(scope: Scope) -> UnitManager | None:
    """A manager to talk to, or None where no systemd is booted."""
    if not systemd.is_booted():
        return None
    from vconsole.host.units.bus import NO_BUS, BusManager
    from vconsole.host.units.command import CommandManager

    try:
        return await BusManager.connect(scope)
    except NO_BUS:
        return CommandManager(scope)
