"""A load measured on a stub whose delays are known: what is told is what was."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from time import perf_counter, process_time

import pytest

from tests.support.home import free_port
from tests.support.standin import DONE, HANG, Steps, event, reply, standin, stream, usage
from vconsole.errors import ExitCode, VConsoleError
from vconsole.requests.bench.exchange import carry_out
from vconsole.requests.bench.measure import measure
from vconsole.requests.bench.model import (
    COMPLETIONS,
    Load,
    Measured,
    Prompt,
    ServiceLevel,
    Target,
    Workload,
)
from vconsole.requests.transport import Transport

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
WAIT_S, GAP_S, TOKENS = 0.06, 0.025, 8


def token(text: str = "a") -> bytes:
    return event({"choices": [{"index": 0, "text": text, "finish_reason": None}]})


def workload(count: int = 4) -> Workload:
    return Workload(tuple(Prompt(COMPLETIONS, {"prompt": f"p{n}"}, TOKENS) for n in range(count)))


async def gone(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


@dataclass
class Slow:
    """A server that notes when it took and sent what; it answers any number at once."""

    url: str = ""
    sent_s: list[list[float]] = field(default_factory=list)
    running: int = 0
    most_running: int = 0
    left: list[asyncio.Event] = field(default_factory=list)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        left = asyncio.Event()
        self.left.append(left)
        try:
            while True:
                await self._one(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            await gone(writer)
        left.set()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        size = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
        await reader.readexactly(size)
        if not head.startswith(b"POST"):
            writer.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
            return
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        instants = [perf_counter()]
        writer.write(HEAD)
        for number in range(TOKENS):
            await asyncio.sleep(GAP_S if number else WAIT_S)
            writer.write(token())
            instants.append(perf_counter())
        self.running -= 1
        self.sent_s.append(instants)
        writer.write(usage(5, TOKENS) + DONE)


@asynccontextmanager
async def slow() -> AsyncIterator[Slow]:
    made = Slow()
    server = await asyncio.start_server(made.handle, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield made
    finally:
        server.close()
        for left in made.left:
            await left.wait()


async def measured(url: str, load: Load, **more: object) -> Measured:
    return await measure(Target("stub", url, "m"), workload(), load, **more)  # type: ignore[arg-type]


async def test_times_are_those_of_the_server() -> None:
    async with slow() as server:
        found = await measured(server.url, Load(4, None, 12))
    waits = [(each[1] - each[0]) * 1000 for each in server.sent_s]
    gaps = [(b - a) * 1000 for each in server.sent_s for a, b in pairwise(each[1:])]
    wholes = [(each[-1] - each[0]) * 1000 for each in server.sent_s]
    assert found.ttft_ms.p50 == pytest.approx(median(waits), abs=8)
    assert found.itl_ms.p50 == pytest.approx(median(gaps), abs=3)
    assert found.itl_ms.mean == pytest.approx(sum(gaps) / len(gaps), abs=3)
    assert found.e2e_ms.p50 == pytest.approx(median(wholes), abs=10)
    assert found.tpot_ms.p50 == pytest.approx(
        median((w - t) / (TOKENS - 1) for w, t in zip(wholes, waits, strict=True)), abs=3
    )
    assert found.ttft_ms.p50 is not None
    assert found.ttft_ms.p50 >= WAIT_S * 1000 - 1


async def test_rates_are_what_was_answered_by_the_time_it_took() -> None:
    async with slow() as server:
        found = await measured(server.url, Load(4, None, 12, warm_up=2))
    assert (found.requests, found.failed, found.generation_tokens) == (12, 0, 96)
    assert found.prompt_tokens == 60
    assert found.requests_per_s == pytest.approx(12 / found.duration_s)
    assert found.generation_tokens_per_s == pytest.approx(96 / found.duration_s)
    assert len(server.sent_s) == 14
    assert server.most_running == 4


async def test_arrivals_by_chance_are_the_same_again_and_wait_for_no_answer() -> None:
    load = Load(None, 200.0, 20, seed=5)
    async with slow() as server:
        await measured(server.url, load)
        first = [each[0] for each in server.sent_s]
        # Far more than four at once, as their answers take a quarter of a second.
        assert server.most_running > 8
    assert 0.02 < max(first) - min(first) < 2


async def test_waiting_for_a_turn_counts_from_the_arrival() -> None:
    async with slow() as server:
        found = await measured(server.url, Load(1, 100.0, 4))
    assert server.most_running == 1
    # The last of four waits for three answers of more than 200 ms each.
    assert found.ttft_ms.p99 is not None
    assert found.ttft_ms.p99 > 500


async def test_goodput_is_what_kept_the_level() -> None:
    async with slow() as server:
        loose = await measured(server.url, Load(2, None, 4), level=ServiceLevel(60_000, 60_000))
        strict = await measured(server.url, Load(2, None, 4), level=ServiceLevel(1.0, 60_000))
        itl = await measured(server.url, Load(2, None, 4), level=ServiceLevel(None, GAP_S * 500))
        none = await measured(server.url, Load(2, None, 4))
    assert (loose.good_share, strict.good_share, itl.good_share) == (1.0, 0.0, 0.0)
    assert loose.goodput_per_s == pytest.approx(loose.requests_per_s)
    assert none.goodput_per_s is None


async def test_failures_are_counted_by_their_kind_and_the_others_measured() -> None:
    answers = [
        stream(token(), token(), usage(3, 2), DONE),
        reply({"error": {"message": "too long", "code": 400}}, 400),
        stream(token()),
        stream(event({"error": {"message": "the engine died", "code": 500}}), DONE),
        [HANG],
        stream(DONE),
    ]

    def answer(body: dict[str, object]) -> Steps:
        return answers[int(str(body["prompt"])[1:])]

    given = Workload(tuple(Prompt(COMPLETIONS, {"prompt": f"p{n}"}, 2) for n in range(6)))
    async with standin({COMPLETIONS: answer}) as peer:
        load = Load(6, None, 6, timeout_s=1.0)
        found = await measure(Target("stub", peer.url, "m"), given, load)
    assert found.failures == {
        "http_400": 1,
        "broken": 1,
        "stream_error": 1,
        "timeout": 1,
        "no_answer": 1,
    }
    assert (found.requests, found.failed, found.generation_tokens) == (6, 5, 2)
    assert found.first_failure is not None


async def test_where_all_fails_it_says_so_and_how() -> None:
    with pytest.raises(VConsoleError, match="http_500"):
        async with standin({COMPLETIONS: reply({"error": {"message": "no"}}, 500)}) as peer:
            await measured(peer.url, Load(2, None, 4))
    with pytest.raises(VConsoleError, match="unreachable"):
        await measured(f"http://127.0.0.1:{free_port()}", Load(1, None, 1))
    with pytest.raises(VConsoleError) as caught:
        await measure(Target("x", f"http://127.0.0.1:{free_port()}"), workload(), Load())
    assert caught.value.exit_code is ExitCode.NO_SERVER


async def test_what_is_sent_asks_for_a_stream_of_that_length() -> None:
    async with standin({COMPLETIONS: stream(token(), DONE)}) as peer:
        await measured(peer.url, Load(1, None, 1))
    path, _, body = peer.requests[-1] if peer.requests[-1][0] == COMPLETIONS else peer.requests[1]
    assert path == COMPLETIONS
    assert body == {
        "model": "m",
        "prompt": "p0",
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0.0,
        "max_tokens": TOKENS,
        "ignore_eos": True,
    }


async def test_a_chats_role_is_no_token_and_reasoning_is() -> None:
    def delta(**piece: str) -> bytes:
        return event({"choices": [{"index": 0, "delta": piece}]})

    steps = stream(
        delta(role="assistant", content=""), 0.1, delta(reasoning="hm"), delta(content="yes"), DONE
    )
    async with standin({"/v1/chat/completions": steps}) as peer, Transport(peer.url) as transport:
        found = await carry_out(transport, "/v1/chat/completions", b"{}", 5, keeps_text=True)
    assert (len(found.pieces_s), found.text) == (2, "yes")
    assert found.ttft_s > 0.09


async def test_a_dropped_idle_connection_is_no_failure() -> None:
    answered, left = 0, asyncio.Semaphore(0)

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One answer a connection, which then closes without a word."""
        nonlocal answered
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(head.lower().partition(b"length: ")[2].partition(b"\r")[0]))
        answered += 1
        writer.write(HEAD + token() + DONE)
        with contextlib.suppress(asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
        await gone(writer)
        left.release()

    server = await asyncio.start_server(once, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, Transport(url) as transport:
        body = json.dumps({"prompt": "x"}).encode()
        found = [await carry_out(transport, COMPLETIONS, body, 5) for _ in range(3)]
        transport.close()
        for _ in range(answered):
            await left.acquire()
    assert [each.failure for each in found] == [None] * 3
    assert answered == 3


async def test_a_client_at_its_limit_says_so() -> None:
    def burn(_: object) -> None:
        until_s = process_time() + 0.3
        while process_time() < until_s:
            pass

    async with standin({COMPLETIONS: stream(token(), token(), DONE)}) as peer:
        found = await measured(peer.url, Load(1, None, 4), on_progress=burn)
    assert found.client.limited is not None
