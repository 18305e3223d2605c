"""One connection to a server: one exchange at a time, its answer as a future."""

from __future__ import annotations

import asyncio
from typing import cast

from vconsole.requests.transport.faults import Fault, TransportError
from vconsole.requests.transport.reply import ReplyReader, Response, TakeEvent


class Connection(asyncio.Protocol):
    """Kept alive between exchanges; `usable` says whether it can take another one."""

    __slots__ = (
        "_answer",
        "_loop",
        "_reader",
        "_silence_s",
        "_wire",
        "deadline_s",
        "idle_since_s",
        "used",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._wire: asyncio.Transport | None = None
        self._answer: asyncio.Future[Response] | None = None
        self._reader = ReplyReader()
        self._silence_s: float | None = None
        self.deadline_s = 0.0
        self.idle_since_s = 0.0
        self.used = 0

    @property
    def usable(self) -> bool:
        return self._wire is not None and not self._wire.is_closing()

    def send(
        self, payload: bytes, timeout_s: float, take: TakeEvent | None = None
    ) -> asyncio.Future[Response]:
        """Begin an exchange: the answer is due within `timeout_s`.

        With `take` it is a stream, and the time is that of each silence.
        """
        assert self._wire is not None
        self._answer = self._loop.create_future()
        self._reader = ReplyReader(take)
        self._silence_s = None if take is None else timeout_s
        self.deadline_s = self._loop.time() + timeout_s
        self.used += 1
        self._wire.write(payload)
        return self._answer

    def close(self) -> None:
        """Leave; the server aborts what it still does for us."""
        if self._wire is not None:
            self._wire.abort()

    def expire(self) -> None:
        """The answer did not come in time."""
        self._fail(TransportError(Fault.TIMEOUT, "the server did not answer in time"))
        self.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have the methods of asyncio.Transport and not its name.
        self._wire = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        answer = self._answer
        if answer is None:
            # Nobody asked: this connection cannot be trusted with a question.
            self.close()
            return
        if self._silence_s is not None:
            self.deadline_s = self._loop.time() + self._silence_s
        try:
            response = self._reader.feed(data)
        except TransportError as error:
            self._fail(error)
            self.close()
            return
        if response is not None:
            self._succeed(response)

    def connection_lost(self, exc: Exception | None) -> None:
        self._wire = None
        if self._answer is None:
            return
        response = self._reader.end()
        if response is not None:
            self._succeed(response)
        elif self.used > 1 and not self._reader.begun:
            self._fail(TransportError(Fault.DROPPED, "the server had closed the connection"))
        else:
            self._fail(TransportError(Fault.BROKEN, "the connection broke before the answer's end"))

    def _succeed(self, response: Response) -> None:
        answer, self._answer = self._answer, None
        if self._reader.closes:
            self.close()
        if answer is not None and not answer.done():
            answer.set_result(response)

    def _fail(self, error: TransportError) -> None:
        answer, self._answer = self._answer, None
        if answer is not None and not answer.done():
            answer.set_exception(error)
