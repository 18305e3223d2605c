"""Sending one request until it has an answer, or a failure that no trying mends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from vconsole.requests.batch.answers import Failure, Judged, Whole, judge
from vconsole.requests.batch.model import Counts, Item
from vconsole.requests.batch.peer import Peer, unauthorised
from vconsole.requests.batch.retrying import (
    BUSY,
    Again,
    after_engine_end,
    after_fault,
    after_refusal,
    backoff_s,
    is_going,
)
from vconsole.requests.transport import Fault, Response, TransportError

WAIT_S = 0.5


class PutBackError(Exception):
    """The run halts: the request goes back, to be sent another time."""


@dataclass(frozen=True, slots=True)
class Answered:
    judged: Judged
    body: bytes

    @classmethod
    def of_cache(cls, body: bytes) -> Answered | None:
        judged = judge(body)
        return None if judged is None else cls(judged, body)


class Sender:
    """Carries requests to the server; `halted` says that nothing is begun any more."""

    def __init__(
        self, peer: Peer, counts: Counts, timeout_s: float, halted: Callable[[], bool]
    ) -> None:
        self._peer = peer
        self._counts = counts
        self._timeout_s = timeout_s
        self._halted = halted
        self._refusals = 0
        self.priority = 0
        self._without_priority = set[object]()

    def take_refusals(self) -> int:
        """How often the server said that it is too busy since this was last asked."""
        found, self._refusals = self._refusals, 0
        return found

    async def send(self, item: Item) -> Answered | Failure:
        """The answer, or why there is none. Raises `PutBackError` where the run halts first."""
        busy_times = 0
        while True:
            if self._halted():
                raise PutBackError
            outcome = await self._once(item, busy_times)
            if not isinstance(outcome, Again):
                item.attempts += 1
                return outcome
            busy_times += not outcome.counts
            item.attempts += outcome.counts
            self._counts.retries += 1
            await self._rest(outcome)

    async def _once(self, item: Item, busy_times: int) -> Answered | Failure | Again:
        peer = self._peer
        while not peer.is_there or peer.transport is None:
            if self._halted():
                raise PutBackError
            await peer.until_there(WAIT_S)
        try:
            body = self._with_priority(item)
            response = await peer.transport.post(item.path, body, self._timeout_s)
        except TransportError as error:
            verdict = after_fault(error, item.attempts)
            if isinstance(verdict, Again) and verdict.server_lost:
                peer.lost(error.message)
            return verdict
        if response.status == 200:
            judged = judge(response.body)
            if judged is not None and judged.whole is Whole.ABORTED:
                return self._server_going(item, busy_times)
            if judged is not None:
                return Answered(judged, response.body)
            return after_fault(_no_answer(), item.attempts)
        if body is not item.body and _refuses_priority(response):
            self._without_priority.add(peer.incarnation)
            return Again(counts=False)
        return self._refused(item, response, busy_times)

    def _with_priority(self, item: Item) -> bytes:
        """The body with this run's priority, where it has none of its own and the server knows it.

        A body is an object that has a member already: what makes no such request is a bad line.
        """
        refused = self._peer.incarnation in self._without_priority
        if not self.priority or item.has_priority or refused:
            return item.body
        return b'{"priority":%d,%b' % (self.priority, item.body[1:])

    def _refused(self, item: Item, response: Response, busy_times: int) -> Failure | Again:
        if response.status in {401, 403}:
            raise unauthorised()
        if response.status in BUSY:
            self._refusals += 1
        if response.status == 404 and item.attempts < 2:
            # Another model may have taken the place: ask who is there before blaming the line.
            self._peer.lost("it does not know the model")
            return Again(backoff_s(item.attempts))
        if is_going(response):
            return self._server_going(item, busy_times)
        return after_refusal(response, item.attempts, busy_times)

    def _server_going(self, item: Item, busy_times: int) -> Failure | Again:
        """Its engine ends or is gone: again, but each such end counts against who was there."""
        here = self._peer.incarnation
        counted, item.server_seen = item.server_seen == here, here
        self._peer.lost("its engine is gone")
        return after_engine_end(item.attempts, busy_times, counted=counted)

    async def _rest(self, again: Again) -> None:
        """Wait as long as that says, but not into a pause."""
        deadline_s = asyncio.get_running_loop().time() + again.wait_s
        while not self._halted():
            left_s = deadline_s - asyncio.get_running_loop().time()
            if left_s <= 0:
                return
            await asyncio.sleep(min(left_s, 0.2))


def _refuses_priority(response: Response) -> bool:
    """Whether it is the field that is refused: by a server of another kind, or of vLLM's V0."""
    return response.status in {400, 422} and b"priority" in response.body.lower()


def _no_answer() -> TransportError:
    return TransportError(Fault.NONSENSE, "the server's answer is none of a model")
