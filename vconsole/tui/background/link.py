"""The watching thread: connects, posts every snapshot, and reconnects by itself when it breaks.

The supervisor is started at the first attempt and when the user asks for it, not behind their back.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
from textual.message import Message
from textual.message_pump import MessagePump

from vconsole.errors import VConsoleError
from vconsole.supervisor.client import SupervisorClient
from vconsole.supervisor.model import Attached
from vconsole.tui.background.calls import deliver, in_background
from vconsole.tui.history import KEPT
from vconsole.tui.messages import LinkLost, LinkUp, StatusArrived

Connect = Callable[[Path], SupervisorClient]
RETRY_S = 1.0


class SupervisorLink:
    """Watches one server; `pump` receives `LinkUp`, `StatusArrived` and `LinkLost`.

    Until `attach` they are kept, so that it can begin before the console does. After `close` its
    thread posts nothing more and ends at the next snapshot.
    """

    def __init__(self, pump: MessagePump, socket_path: Path, name: str, connect: Connect) -> None:
        self._pump = pump
        self._socket_path = socket_path
        self._name = name
        self._connect = connect
        self._wake = threading.Event()
        self._over = threading.Event()
        self._begun = False
        self._waited = False
        self._spoken = threading.Event()
        self._attached = False
        self._early: list[Message] = []
        self._turn = threading.Lock()

    def open(self, start: bool = True) -> None:
        """Begin, once; `start` is whether to start a supervisor where there is none."""
        if self._begun:
            return
        self._begun = True
        in_background("supervisor-link", lambda: self._run(start))

    def early(self, patience_s: float = 0.0) -> list[Message]:
        """What came until now, for a console that cannot receive messages yet.

        Waits for the first word once, where one is on its way.
        """
        if self._begun and not self._attached and not self._waited:
            self._waited = True
            self._spoken.wait(patience_s)
        with self._turn:
            early, self._early = self._early, []
        return early

    def attach(self) -> list[Message]:
        """From now on `pump` receives; returns what came before."""
        with self._turn:
            self._attached = True
        return self.early()

    def bring_back(self) -> None:
        """Try again now, and start the supervisor where there is none."""
        self._wake.set()

    def close(self) -> None:
        self._over.set()
        self._wake.set()

    def _run(self, start: bool) -> None:
        while not self._over.is_set():
            try:
                self._watch(start)
                error = VConsoleError("the supervisor ended the connection")
            except VConsoleError as raised:
                error = raised
            except msgspec.MsgspecError as raised:
                error = VConsoleError(f"the supervisor's answer makes no sense here: {raised}")
            if not self._post(LinkLost(self._name, error)):
                return
            start = self._wake.wait(RETRY_S)
            self._wake.clear()

    def _watch(self, start: bool) -> None:
        client = self._connect(self._socket_path) if start else SupervisorClient(self._socket_path)
        before: list[Attached] = []
        snapshots = client.watch(self._name, before.append)
        first = next(snapshots, None)
        if first is None:
            return
        away_since = before[0].away_since if before else None
        self._post(LinkUp(self._name, client.history(self._name, KEPT), away_since))
        self._post(StatusArrived(first))
        for status in snapshots:
            if not self._post(StatusArrived(status)):
                return

    def _post(self, message: Message) -> bool:
        if self._over.is_set():
            return False
        with self._turn:
            if not self._attached:
                self._early.append(message)
                if not isinstance(message, LinkUp):
                    self._spoken.set()
                return True
        return deliver(self._pump, message)
