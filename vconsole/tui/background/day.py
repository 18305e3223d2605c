"""The samples of the last day for the longest time window, fetched off the loop."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
from textual.message_pump import MessagePump

from vconsole.errors import VConsoleError
from vconsole.supervisor.client import SupervisorClient
from vconsole.tui.background.calls import deliver, in_background
from vconsole.tui.history import KEPT
from vconsole.tui.messages import DayArrived
from vconsole.tui.view import Link, View

DAY_S = 86_400
POINTS = 1440
AGAIN_AFTER_S = 60.0


class DayKeeper:
    """Asks again each minute, and at once for another server; a failure is asked again as well."""

    def __init__(self, pump: MessagePump, socket_path: Path) -> None:
        self._pump = pump
        self._socket_path = socket_path
        self._asked: tuple[str, float] | None = None

    def keep(self, view: View) -> None:
        """Call it with each view; it asks only where the view shows a day."""
        if view.window_s <= KEPT or view.link is not Link.LIVE or view.name is None:
            return
        name, now_s = view.name, time.monotonic()
        if self._asked and self._asked[0] == name and now_s - self._asked[1] < AGAIN_AFTER_S:
            return
        self._asked = name, now_s
        in_background("day", lambda: self._fetch(name))

    def _fetch(self, name: str) -> None:
        try:
            samples = SupervisorClient(self._socket_path).history(name, DAY_S, POINTS)
        except (VConsoleError, msgspec.MsgspecError):
            # The link tells of a supervisor that does not answer.
            return
        deliver(self._pump, DayArrived(name, samples))
