"""The unit's lines in systemd's journal, by its own reader."""

from __future__ import annotations

from vconsole.host.service.plan import UNIT
from vconsole.host.units import Scope


def journal_command(scope: Scope, lines: int) -> tuple[str, ...]:
    """What prints the newest lines; read so, a user's are found in whichever journal they may."""
    which = "--user-unit" if scope is Scope.USER else "--unit"
    return ("journalctl", f"{which}={UNIT}", f"--lines={lines}", "--no-pager", "--quiet")
