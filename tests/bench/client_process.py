"""One client of the benchmark in a process of its own: `CLIENT KIND URL COUNT AT_ONCE`."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable

import aiohttp
import msgspec
import uvloop

from vconsole.requests.transport import Transport

PATH = "/v1/chat/completions"
BODY = {"model": "stub", "messages": [{"role": "user", "content": "Hello " * 20}], "max_tokens": 64}
Ask = Callable[[], Awaitable[None]]


async def ours(url: str, streams: bool, work: Callable[[Ask], Awaitable[None]]) -> None:
    body = msgspec.json.encode(BODY | {"stream": True} if streams else BODY)

    def take(event: bytes) -> None:
        if event != b"[DONE]":
            msgspec.json.decode(event)

    async with Transport(url) as transport:

        async def ask() -> None:
            if streams:
                await transport.stream(PATH, body, 60, take)
            else:
                msgspec.json.decode((await transport.post(PATH, body, 60)).body)

        await work(ask)


async def theirs(url: str, streams: bool, work: Callable[[Ask], Awaitable[None]]) -> None:
    body = msgspec.json.encode(BODY | {"stream": True} if streams else BODY)
    headers = {"content-type": "application/json"}
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(url, connector=connector, headers=headers) as session:

        async def ask() -> None:
            async with session.post(PATH, data=body) as answer:
                if not streams:
                    msgspec.json.decode(await answer.read())
                    return
                async for line in answer.content:
                    if line.startswith(b"data: {"):
                        msgspec.json.decode(line[6:])

        await work(ask)


async def main(client: str, kind: str, url: str, count: int, at_once: int) -> None:
    left = count

    async def work(ask: Ask) -> None:
        async def worker() -> None:
            nonlocal left
            while left > 0:
                left -= 1
                await ask()

        await asyncio.gather(*(worker() for _ in range(at_once)))

    begun_s, used_s = time.perf_counter(), time.process_time()
    await (ours if client == "vconsole" else theirs)(url, kind == "stream", work)
    cpu_ms = (time.process_time() - used_s) * 1e3 / count
    print(json.dumps({"cpu_ms": cpu_ms, "per_s": count / (time.perf_counter() - begun_s)}))


if __name__ == "__main__":
    name, sort, address, number, together = sys.argv[1:]
    uvloop.run(main(name, sort, address, int(number), int(together)))
