"""Sending with the answer cache in between: what was answered before is not asked again."""

from __future__ import annotations

import asyncio

from vconsole.requests.batch.answers import Failure
from vconsole.requests.batch.cache import AnswerCache, revision_of
from vconsole.requests.batch.model import Counts, Item
from vconsole.requests.batch.peer import Peer
from vconsole.requests.batch.sending import Answered, Sender


class CachedSender:
    """A `Sender` that looks into the cache first, from when it is opened on."""

    def __init__(self, sender: Sender, counts: Counts) -> None:
        self._sender, self._counts = sender, counts
        self._cache: AnswerCache | None = None

    async def open(self, model: str, peer: Peer) -> None:
        """Use the cache, where it can be told which revision of the model answers."""
        scrape = await peer.scrape()
        card = next((card for card in peer.cards if card.id == model), None)
        revision = card and revision_of(card, scrape.started_at_s if scrape else None)
        if revision:
            self._cache = await asyncio.to_thread(AnswerCache, revision)

    async def send(self, item: Item) -> Answered | Failure:
        """As `Sender.send`; an answer that the cache has costs no request."""
        cache = self._cache
        if cache is None or not item.deterministic:
            return await self._sender.send(item)
        key = cache.key(item)
        self._counts.cache_asked += 1
        found = cache.find(key)
        if found is not None and (known := Answered.of_cache(found)):
            self._counts.reused += 1
            self._counts.from_cache += 1
            return known
        outcome = await self._sender.send(item)
        if isinstance(outcome, Answered):
            cache.add(key, outcome.body)
        return outcome

    async def flush(self) -> None:
        """Write down what was answered since the last time."""
        if self._cache:
            await asyncio.to_thread(self._cache.flush)

    async def close(self) -> None:
        if self._cache:
            await asyncio.to_thread(self._cache.close)
