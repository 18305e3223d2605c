"""A short load of equal requests, to compare two servers or one before and after a change."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from vconsole.engine.http.client import EngineClient
from vconsole.engine.http.protocol import Reply
from vconsole.errors import VConsoleError

REQUESTS = 16
TOKENS = 64
ROUNDS = 3
LIMIT_S = 120.0
PROMPT = "Write the story of a lark that counted the stars, word by word, and begin with: "


@dataclass(frozen=True, slots=True)
class Speed:
    """Of the best of a few rounds: generated tokens per second of all requests together."""

    tokens_per_s: float
    requests: int
    tokens: int
    round_s: float


async def measure_speed(url: str, served_name: str, api_key: str | None = None) -> Speed:
    """Send rounds of equal requests at once and time them; a refusal is raised.

    The first round warms up; the best of the others counts, as others only ever slow it down.
    """
    async with EngineClient(url, api_key) as client:
        try:
            async with asyncio.timeout(LIMIT_S):
                await _round(client, served_name)
                rounds = [await _round(client, served_name) for _ in range(ROUNDS)]
        except TimeoutError as error:
            raise VConsoleError(
                f"the speed of {served_name} was not measured within {LIMIT_S:.0f} s",
                "try again when the server has less to do",
            ) from error
    return max(rounds, key=lambda speed: speed.tokens_per_s)


async def _round(client: EngineClient, served_name: str) -> Speed:
    started_s = time.perf_counter()
    counts = await asyncio.gather(*(_one(client, served_name, i) for i in range(REQUESTS)))
    seconds = time.perf_counter() - started_s
    return Speed(sum(counts) / seconds, REQUESTS, sum(counts), seconds)


async def _one(client: EngineClient, served_name: str, number: int) -> int:
    body = {
        "model": served_name,
        "prompt": f"{number}. {PROMPT}",
        "max_tokens": TOKENS,
        "ignore_eos": True,
        "temperature": 0,
    }
    reply = await client.post("/v1/completions", body, Reply, LIMIT_S)
    return reply.completion_tokens
