"""Sending a workload as a load says: so many at once, or as they arrive by chance."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Iterator
from time import perf_counter

from vconsole.requests.bench.exchange import Exchange, body_of, carry_out
from vconsole.requests.bench.model import Load, Prompt, Workload
from vconsole.requests.transport import Transport

Told = Callable[[Exchange], None]
Ready = tuple[str, bytes]


class Loader:
    """Sends requests of one workload to one server; bodies are made before anything is timed."""

    def __init__(self, transport: Transport, model: str, workload: Workload, load: Load) -> None:
        self._transport, self._load = transport, load
        self._ready = [(each.path, body_of(each, workload, model)) for each in workload.prompts]

    async def warm_up(self, told: Told) -> list[Exchange]:
        """The warm-up's requests: the last prompts, which a long enough workload has to spare."""
        count = self._load.warm_up
        which = [self._ready[-1 - i % len(self._ready)] for i in range(count)]
        return await self._closed(iter(which), self._load.concurrency or count or 1, told)

    async def run(self, told: Told) -> list[Exchange]:
        load = self._load
        which = (self._ready[i % len(self._ready)] for i in range(load.requests))
        if load.rate_per_s is None:
            return await self._closed(which, load.concurrency or load.requests, told)
        return await self._open(which, load.rate_per_s, told)

    async def _closed(self, which: Iterator[Ready], at_once: int, told: Told) -> list[Exchange]:
        done: list[Exchange] = []

        async def work() -> None:
            for path, body in which:
                exchange = await carry_out(self._transport, path, body, self._load.timeout_s)
                done.append(exchange)
                told(exchange)

        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(work())
        return done

    async def _open(self, which: Iterator[Ready], rate_per_s: float, told: Told) -> list[Exchange]:
        """Poisson arrivals; one that waits for its turn has waited since it arrived."""
        load, chance = self._load, random.Random(self._load.seed)
        room = asyncio.Semaphore(load.concurrency) if load.concurrency else None
        done: list[Exchange] = []

        async def work(path: str, body: bytes, due_s: float) -> None:
            async with room or contextlib.nullcontext():
                exchange = await carry_out(
                    self._transport, path, body, load.timeout_s, wanted_s=due_s
                )
            done.append(exchange)
            told(exchange)

        async with asyncio.TaskGroup() as group:
            due_s = perf_counter()
            for path, body in which:
                due_s += chance.expovariate(rate_per_s)
                await asyncio.sleep(max(0.0, due_s - perf_counter()))
                group.create_task(work(path, body, due_s))
        return done


def needed_prompts(load: Load) -> int:
    """How many prompts let no request be the same as another of its measurement."""
    return load.requests + load.warm_up


def repeated(prompts: tuple[Prompt, ...], count: int) -> tuple[Prompt, ...]:
    """The prompts again and again up to that many."""
    return tuple(prompts[i % len(prompts)] for i in range(count))
