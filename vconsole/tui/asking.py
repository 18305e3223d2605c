"""The thread that sends one request and passes the answer on, piece by piece."""

from __future__ import annotations

import threading

import msgspec
from textual.message_pump import MessagePump

from vconsole.errors import VConsoleError
from vconsole.supervisor.client import SupervisorClient
from vconsole.supervisor.model import AskEvent, AskRequest, ErrorBody
from vconsole.tui.background import deliver, in_background
from vconsole.tui.messages import AnswerEvent


class Asking:
    """A request under way; `stop` aborts it in the server at its next piece."""

    def __init__(
        self,
        pump: MessagePump,
        client: SupervisorClient,
        server: str,
        number: int,
        request: AskRequest,
    ) -> None:
        self._pump = pump
        self._client = client
        self._server = server
        self._number = number
        self._request = request
        self._stopped = threading.Event()

    def begin(self) -> None:
        in_background(f"ask-{self._number}", self._run)

    def stop(self) -> None:
        self._stopped.set()

    def _run(self) -> None:
        try:
            ended = self._pass_on()
            if not ended:
                self._fail(VConsoleError("the answer broke off", "is the server still up? see 6"))
        except VConsoleError as error:
            self._fail(error)
        except msgspec.MsgspecError as error:
            self._fail(VConsoleError(f"the answer makes no sense here: {error}"))

    def _pass_on(self) -> bool:
        """True where the stream came to its end, or the user stopped it."""
        events = self._client.ask(self._server, self._request)
        for event in events:
            if self._stopped.is_set() or not self._post(event):
                events.close()  # type: ignore[attr-defined]
                return True
            if event.kind == "done" or event.error is not None:
                return True
        return self._stopped.is_set()

    def _fail(self, error: VConsoleError) -> None:
        body = ErrorBody(error.kind, error.message, error.remedy, error.exit_code)
        self._post(AskEvent("error", error=body))

    def _post(self, event: AskEvent) -> bool:
        return deliver(self._pump, AnswerEvent(self._number, event))
