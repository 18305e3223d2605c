"""What was asked on this machine: kept ones first, then this session's, some still answering."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING
from uuid import uuid4

from vconsole.errors import VConsoleError
from vconsole.supervisor.client import SupervisorClient
from vconsole.supervisor.model import Turn
from vconsole.tui.messages import AnswerEvent
from vconsole.tui.requests.asked_file import AskedFile
from vconsole.tui.requests.asking import Asking
from vconsole.tui.requests.exchange import MOST_COLUMNS, Exchange, columns_for
from vconsole.tui.widgets.parameter_form import Sending

if TYPE_CHECKING:
    from vconsole.tui.screens.base import ConsoleScreen


class Asked:
    """`shown` is the one on show; `screen` receives the pieces of answers."""

    def __init__(self, screen: ConsoleScreen, fault: Callable[[VConsoleError], object]) -> None:
        self._screen = screen
        self._file = AskedFile(fault)
        self._asking: dict[str, list[Asking]] = {}
        self._place: int | None = None
        self.exchanges: list[Exchange] = []

    @property
    def shown(self) -> Exchange | None:
        return None if self._place is None else self.exchanges[self._place]

    def load(self) -> None:
        self.exchanges = self._file.load()

    def close(self) -> None:
        """Let what is being kept reach the disk."""
        self._file.flush()

    def send(self, sending: Sending) -> bool:
        """Send it in all its lanes; False where as many as there may be are under way."""
        app = self._screen.console_app
        names = (sending.servers or (app.server_name,)) * sending.copies
        if sum(map(len, self._asking.values())) + len(names) > MOST_COLUMNS:
            return False
        exchange = Exchange(
            id=uuid4().hex,
            number=len(self.exchanges) + 1,
            request=sending.request,
            columns=columns_for(names, sending.request.samples, monotonic()),
            at=app.session.now(),
            model=app.session.view().model,
        )
        self.exchanges.append(exchange)
        self._place = len(self.exchanges) - 1
        self._file.keep(exchange)
        client = SupervisorClient(app.socket_path)
        self._asking[exchange.id] = [
            Asking(self._screen, client, name, exchange.id, lane, sending.request)
            for lane, name in enumerate(names)
        ]
        for asking in self._asking[exchange.id]:
            asking.begin()
        return True

    def take(self, message: AnswerEvent) -> bool:
        """Add a piece; whether the exchange has ended with it."""
        place = self._place_of(message.id)
        if place is None or not self.exchanges[place].running:
            return False
        after = self.exchanges[place].with_event(message.lane, message.event, message.at_s)
        self.exchanges[place] = after
        if not after.running:
            self._ended(after)
        return not after.running

    def stop(self) -> bool:
        """Stop the answers on show; whether there were any coming in."""
        if self._place is None or not self.exchanges[self._place].running:
            return False
        stopped = self.exchanges[self._place] = self.exchanges[self._place].stop()
        for asking in self._asking.get(stopped.id, ()):
            asking.stop()
        self._ended(stopped)
        return True

    def _ended(self, exchange: Exchange) -> None:
        self._asking.pop(exchange.id, None)
        self._file.keep(exchange)

    def move(self, step: int, stay: bool) -> bool:
        """Show an earlier or a later one; with `stay` the one on show counts as the first step."""
        if not self.exchanges:
            return False
        place = len(self.exchanges) if self._place is None else self._place
        if stay and self._place is not None:
            place += 1
        self._place = min(max(0, place + step), len(self.exchanges) - 1)
        return True

    def show(self, id: str) -> bool:
        place = self._place_of(id)
        self._place = self._place if place is None else place
        return place is not None

    def turns(self, chosen: int) -> tuple[Turn, ...]:
        """The conversation on show, to go on with."""
        shown = self.shown
        if shown is None or shown.running or not shown.columns[chosen].text:
            return ()
        return shown.turns_after(chosen)

    def forget(self) -> None:
        """Remove what was kept; what is still coming in stays."""
        self._file.forget()
        running = [exchange for exchange in self.exchanges if exchange.running]
        self.exchanges = [replace(one, number=n) for n, one in enumerate(running, 1)]
        self._place = len(self.exchanges) - 1 if self.exchanges else None

    def _place_of(self, id: str) -> int | None:
        places = range(len(self.exchanges) - 1, -1, -1)
        return next((place for place in places if self.exchanges[place].id == id), None)
