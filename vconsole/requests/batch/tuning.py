"""The concurrency of a run in touch with its engine, and the rates that both are judged by."""

from __future__ import annotations

import asyncio
import time

from vconsole.requests.batch.concurrency import Concurrency, Look
from vconsole.requests.batch.model import Counts
from vconsole.requests.batch.pace import Pace
from vconsole.requests.batch.peer import Peer
from vconsole.requests.batch.rate import Rate
from vconsole.requests.batch.sending import Sender

LOOK_S = 0.5
# At first the number is far from right, and every look brings it nearer.
FIRST_LOOKS_S, LOOKING_OFTEN_S = 0.15, 8.0


class Tuner:
    """`limit` requests may be in flight; `keep` looks at the engine until it is cancelled."""

    def __init__(self, fixed: int | None, peer: Peer, sender: Sender, counts: Counts) -> None:
        self.rate = Rate()
        self.pace = Pace()
        self.in_flight = 0
        self._held_back = 0
        self.share = 1.0
        self._concurrency = Concurrency(fixed)
        self._peer, self._sender, self._counts = peer, sender, counts
        self._preemptions: float | None = None

    @property
    def limit(self) -> int:
        return self._concurrency.limit(self.share)

    async def turn(self) -> None:
        """Wait until the next request may go; whoever waits here is not in flight."""
        wait_s = self.pace.wait_s(time.monotonic())
        if not wait_s:
            return
        self._held_back += 1
        try:
            await asyncio.sleep(wait_s)
        finally:
            self._held_back -= 1

    def fix(self, concurrency: int | None) -> None:
        """Keep that many in flight from now on; 0 tunes itself again, None changes nothing."""
        if concurrency is not None and (concurrency or None) != self._concurrency.fixed:
            self._concurrency = Concurrency(concurrency or None)

    async def keep(self) -> None:
        begun_s = time.monotonic()
        while True:
            now_s = time.monotonic()
            self.rate.add(now_s, self._counts.done, self._counts.generation_tokens)
            if self.in_flight and self._peer.is_there and self._concurrency.fixed is None:
                await self._look(now_s)
            self.pace.settle(self.limit if self._concurrency.is_full else None)
            often = now_s - begun_s < LOOKING_OFTEN_S
            await asyncio.sleep(FIRST_LOOKS_S if often else LOOK_S)

    async def _look(self, now_s: float) -> None:
        scrape = await self._peer.scrape()
        preemptions = scrape.preemptions if scrape else None
        before, self._preemptions = self._preemptions, preemptions
        look = Look(
            now_s,
            self.in_flight - self._held_back,
            self.rate.short_per_s(),
            self._counts.done,
            scrape.requests_running if scrape else None,
            scrape.requests_waiting if scrape else None,
            preemptions is not None and before is not None and preemptions > before,
            self._sender.take_refusals() > 0,
        )
        self._concurrency.look(look, self.share)
