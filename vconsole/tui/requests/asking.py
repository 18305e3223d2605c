"""The thread that sends one request and passes the answer on, piece by piece."""

from __future__ import annotations

from dataclasses import replace
from time import monotonic

import msgspec
from textual.message_pump import MessagePump

from vconsole.errors import VConsoleError
from vconsole.requests.attachments import image_urls
from vconsole.supervisor.client import HangUp, SupervisorClient
from vconsole.supervisor.model import AskEvent, AskRequest, ErrorBody
from vconsole.tui.background.calls import deliver, in_background
from vconsole.tui.messages import AnswerEvent


class Asking:
    """A request under way, lane `lane` of the exchange `id`; `stop` aborts it in the server."""

    def __init__(
        self,
        pump: MessagePump,
        client: SupervisorClient,
        server: str,
        id: str,
        lane: int,
        request: AskRequest,
    ) -> None:
        self._pump = pump
        self._client = client
        self._server = server
        self._id = id
        self._lane = lane
        self._request = request
        self._hang_up = HangUp()

    def begin(self) -> None:
        in_background(f"ask-{self._id}-{self._lane}", self._run)

    def stop(self) -> None:
        self._hang_up()

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
        request = replace(self._request, images=image_urls(self._request.images))
        for event in self._client.ask(self._server, request, self._hang_up):
            if self._hang_up.over or not self._post(event):
                self._hang_up()
                return True
            if event.kind == "done" or event.error is not None:
                return True
        return self._hang_up.over

    def _fail(self, error: VConsoleError) -> None:
        body = ErrorBody(error.kind, error.message, error.remedy, error.exit_code)
        self._post(AskEvent("error", error=body))

    def _post(self, event: AskEvent) -> bool:
        return deliver(self._pump, AnswerEvent(self._id, self._lane, event, monotonic()))
