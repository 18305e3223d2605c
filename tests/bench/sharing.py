"""A batch that finds its own concurrency: beside every fixed one, and beside a person who waits."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import msgspec

from tests.bench.ground import Ground
from tests.bench.job import STEADY_FROM_S, chats, job_at_work, run_job
from tests.bench.measure import Figure, Table
from vconsole.requests.transport import Transport

PATH = "/v1/chat/completions"
LEVELS = (32, 64, 128, 192, 256)
ROUNDS = int(os.environ.get("VCONSOLE_BENCH_ROUNDS", "2"))
RUN_S, TOKENS, MANY = 20.0, 32, 40_000
ASKED, PAUSE_S, ANSWER_TOKENS = 30, 0.3, 8
AS_GOOD = 0.95


@dataclass(frozen=True, slots=True)
class Waited:
    """What a person waited for the first token, and then for each next one: a step."""

    ttft_ms: float
    step_ms: float


def measure(ground: Ground) -> Table:
    ground.serve()
    return Table(
        "sharing",
        f"chats of {TOKENS} tokens on the demo model for {RUN_S:g} s each, from the tenth second "
        f"on, in turn; then {ASKED} short chats one after another, alone and beside such a batch, "
        "whose goal is twice the wait of the idle server and one step",
        (*beside_fixed_numbers(ground), *beside_a_person(ground)),
    )


def beside_fixed_numbers(ground: Ground) -> list[Figure]:
    model = ground.client().status().server.served_name or ""
    taken: dict[int | None, list[float]] = {level: [] for level in (*LEVELS, None)}
    for number in range(ROUNDS):
        for level, found in taken.items():
            folder = Path(ground.home.root) / f"sharing-{number}-{level}"
            folder.mkdir()
            source = chats(folder / "in.jsonl", MANY, model, TOKENS, folder.name)
            ran = run_job(ground, folder, source, ground.url, concurrency=level, seconds=RUN_S)
            found.append(1e3 / ran.steady_per_s)
    auto = taken.pop(None)
    best = min(taken, key=lambda level: median(taken[level]))
    return [
        *(Figure(f"{level} at once, one request", "ms", tuple(taken[level])) for level in taken),
        Figure(
            "auto, one request",
            "ms",
            tuple(auto),
            median(taken[best]) / AS_GOOD,
            f"{best} at once, one request",
        ),
    ]


def beside_a_person(ground: Ground) -> list[Figure]:
    model = ground.client().status().server.served_name or ""
    folder = Path(ground.home.root) / "person"
    folder.mkdir()
    source = chats(folder / "in.jsonl", MANY, model, TOKENS, "person")
    alone = asyncio.run(wait_again_and_again(ground.url, model))
    with job_at_work(ground, folder, source, ground.url):
        time.sleep(STEADY_FROM_S)
        beside = asyncio.run(wait_again_and_again(ground.url, model))
    step_ms = median(one.step_ms for one in beside)
    goal_ms = 2 * median(one.ttft_ms for one in alone) + step_ms
    idle = "TTFT of an idle server"
    return [
        Figure(idle, "ms", tuple(one.ttft_ms for one in alone)),
        Figure("one step beside the batch", "ms", tuple(one.step_ms for one in beside)),
        Figure("TTFT beside the batch", "ms", tuple(w.ttft_ms for w in beside), goal_ms, idle),
    ]


async def wait_again_and_again(url: str, model: str) -> list[Waited]:
    async with Transport(url) as transport:
        await wait_once(transport, model, -1)
        found = []
        for number in range(ASKED):
            found.append(await wait_once(transport, model, number))
            await asyncio.sleep(PAUSE_S)
    return found


async def wait_once(transport: Transport, model: str, number: int) -> Waited:
    messages = [{"role": "user", "content": f"Tell me of {time.time_ns()} {number}"}]
    body = {"model": model, "messages": messages, "stream": True, "ignore_eos": True}
    payload = msgspec.json.encode(body | {"max_tokens": ANSWER_TOKENS})
    begun_s, arrived_s = time.perf_counter(), list[float]()

    def take(event: bytes) -> None:
        # The first piece only names the role.
        if b'"content":"' in event and b'"content":""' not in event:
            arrived_s.append(time.perf_counter())

    await transport.stream(PATH, payload, 120, take)
    steps = len(arrived_s) - 1
    return Waited(
        (arrived_s[0] - begun_s) * 1e3, (arrived_s[-1] - arrived_s[0]) * 1e3 / max(1, steps)
    )
