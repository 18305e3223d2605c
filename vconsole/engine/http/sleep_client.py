"""A server that may sleep, by its private socket: its port, its sleep, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from vconsole.engine.http.client import EngineClient
from vconsole.engine.http.protocol import Reply
from vconsole.errors import VConsoleError

PATIENCE_S = 60.0
ANSWER_S = 30.0
QUESTION = "The capital of France is"
ANSWER_TOKENS = 16


@dataclass(frozen=True, slots=True)
class Released:
    """`unfinished` requests were still in flight when the time for them was over."""

    unfinished: int


@dataclass(frozen=True, slots=True)
class Asleep:
    is_sleeping: bool


class SleepClient:
    """The private listener of one server at `uds`; everything raises a `VConsoleError`."""

    def __init__(self, uds: Path, url: str, api_key: str | None) -> None:
        self._client = EngineClient(url, api_key, str(uds))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._client.aclose()

    async def release_port(self, drain_s: float) -> int:
        """Have it listen no more; how many requests `drain_s` was too short for."""
        path = f"/port/release?drain_s={drain_s:g}"
        return (await self._client.post(path, {}, Released, drain_s + PATIENCE_S)).unfinished

    async def take_port(self) -> None:
        await self._client.tell("/port/take")

    async def sleep(self) -> None:
        """Level 1: weights into host memory, the KV cache given up."""
        await self._client.tell("/sleep?level=1&mode=abort", PATIENCE_S)
        if not await self.is_sleeping():
            raise VConsoleError("vLLM does not say that it sleeps", kind="no_sleep")

    async def wake(self) -> None:
        await self._client.tell("/wake_up", PATIENCE_S)
        if await self.is_sleeping():
            raise VConsoleError("vLLM says that it still sleeps", kind="no_wake")

    async def says(self, served_name: str) -> str:
        """What the model makes of one question without any chance in it."""
        body = {"model": served_name, "prompt": QUESTION, "max_tokens": ANSWER_TOKENS}
        body |= {"temperature": 0.0, "seed": 0, "ignore_eos": True}
        reply = await self._client.post("/v1/completions", body, Reply, ANSWER_S)
        return reply.choice.content

    async def is_sleeping(self) -> bool:
        return (await self._client.get("/is_sleeping", Asleep)).is_sleeping
