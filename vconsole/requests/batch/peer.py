"""The server that a batch runs against: whether it is there, what it serves, what its engine says.

It may leave and come back, elsewhere too: then nobody sends until it serves the batch's models.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging

import msgspec

from vconsole.engine.http.protocol import ModelCard, ModelList, refusal_reason
from vconsole.engine.metrics.exposition import parse
from vconsole.engine.metrics.figures import Scrape
from vconsole.errors import ExitCode, VConsoleError
from vconsole.requests.batch.model import Endpoint
from vconsole.requests.transport import Transport, TransportError

LOOK_S = 0.5
CALL_TIMEOUT_S = 5.0
METRICS_TIMEOUT_S = 3.0
log = logging.getLogger(__name__)


class Peer:
    """Ask `there` before sending; say `lost` when it does not answer."""

    def __init__(self, url: str | None, api_key: str | None) -> None:
        self.transport: Transport | None = None
        self.note: str | None = "it has not answered yet"
        self.cards: tuple[ModelCard, ...] = ()
        self.refused: VConsoleError | None = None
        self.incarnation: object = None
        self._url, self._api_key = url, api_key
        self._wanted: frozenset[str] = frozenset()
        self._there = asyncio.Event()
        self._seeking: asyncio.Task[None] | None = None

    @property
    def is_there(self) -> bool:
        return self._there.is_set()

    @property
    def models(self) -> frozenset[str]:
        return frozenset(card.id for card in self.cards)

    def need(self, model: str) -> None:
        """From now on it is there only while it serves this one."""
        self._wanted = frozenset({model})
        if model not in self.models:
            self.lost(f"it does not serve {model}")

    def move(self, url: str | None, api_key: str | None) -> None:
        """It is elsewhere now, or nowhere with None; what is under way there ends by itself."""
        if (url, api_key) == (self._url, self._api_key):
            return
        self._url, self._api_key = url, api_key
        self.lost("it has moved")
        if self.transport:
            self.transport.close()
            self.transport = None

    def lost(self, note: str) -> None:
        """It did not answer, or not as the one that it was: look for it until it is back."""
        self._there.clear()
        self.note = note
        if self._seeking is None or self._seeking.done():
            self._seeking = asyncio.create_task(self._seek())

    async def until_there(self, seconds: float) -> bool:
        """Whether it is there within so many seconds; a refusal of the API key is raised."""
        if not self._there.is_set():
            if self._seeking is None or self._seeking.done():
                self.lost(self.note or "")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._there.wait(), seconds)
        if self.refused:
            raise self.refused
        return self._there.is_set()

    async def scrape(self) -> Scrape | None:
        """What `/metrics` says now; None where there is none of vLLM's."""
        if self.transport is None:
            return None
        with contextlib.suppress(TransportError):
            answer = await self.transport.get("/metrics", METRICS_TIMEOUT_S)
            if answer.status == 200:
                return parse(answer.body)
        return None

    async def endpoint(self, model: str) -> Endpoint:
        """Where its prompts go: chats where the model has a template for them."""
        assert self.transport is not None
        body = {"model": model, "messages": [{"role": "user", "content": "?"}]}
        with contextlib.suppress(TransportError):
            answer = await self.transport.post(
                "/tokenize", msgspec.json.encode(body), CALL_TIMEOUT_S
            )
            if answer.status == 400 and "template" in refusal_reason(400, answer.body):
                return Endpoint.COMPLETIONS
        return Endpoint.CHAT

    async def close(self) -> None:
        if self._seeking:
            self._seeking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._seeking
        if self.transport:
            self.transport.close()

    async def _seek(self) -> None:
        while True:
            if await self._look():
                break
            await asyncio.sleep(LOOK_S)
        self.note = None
        self._there.set()

    async def _look(self) -> bool:
        """Whether it answers, with the models that are needed."""
        if self._url is None:
            self.note = "no server runs"
            return False
        try:
            if self.transport is None:
                self.transport = Transport(self._url, self._api_key)
            if (await self.transport.get("/health", CALL_TIMEOUT_S)).status in {500, 503}:
                self.note = "it is not healthy"
                return False
            answer = await self.transport.get("/v1/models", CALL_TIMEOUT_S)
        except VConsoleError as error:
            self.note = error.message
            return False
        if answer.status in {401, 403}:
            self.refused = unauthorised()
            return True
        if answer.status != 200:
            self.note = f"it refuses: {refusal_reason(answer.status, answer.body)}"
            return False
        self.refused = None
        if not self._takes(answer.body):
            return False
        scrape = await self.scrape()
        self.incarnation = (self._url, scrape.started_at_s if scrape else None)
        return True

    def _takes(self, body: bytes) -> bool:
        try:
            self.cards = msgspec.json.decode(body, type=ModelList).data
        except (msgspec.MsgspecError, UnicodeDecodeError):
            self.note = "what answers there is no server of models"
            return False
        missing = self._wanted - self.models
        if missing or not self.cards:
            serves = ", ".join(sorted(self.models)) or "nothing"
            self.note = f"it serves {serves}, and the batch needs {', '.join(sorted(missing))}"
            return False
        return True


def unauthorised() -> VConsoleError:
    return VConsoleError(
        "the server refused the API key",
        "give the right one in VLLM_API_KEY and run the same command again",
        ExitCode.FAILED,
        kind="unauthorized",
    )
