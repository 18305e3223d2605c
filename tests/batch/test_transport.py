"""The transport against peers that are slow, broken, lying, or gone."""

from __future__ import annotations

import asyncio
import json
import random

import pytest

from tests.support.home import free_port
from tests.support.standin import DONE, HANG, Steps, chunk, delta, reply, standin, stream
from vconsole.requests.transport import Fault, Transport, TransportError
from vconsole.requests.transport.reply import ReplyReader, Response

PATH = "/v1/completions"


async def fault_of(answer: Steps, timeout_s: float = 5.0) -> Fault:
    async with standin({PATH: answer}) as peer, Transport(peer.url) as transport:
        with pytest.raises(TransportError) as caught:
            await transport.post(PATH, b"{}", timeout_s)
    return caught.value.fault


async def test_nobody_listening_is_unreachable() -> None:
    async with Transport(f"http://127.0.0.1:{free_port()}") as transport:
        with pytest.raises(TransportError) as caught:
            await transport.post(PATH, b"{}", 5)
    assert caught.value.fault is Fault.UNREACHABLE


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ([], Fault.BROKEN),
        ([b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf"], Fault.BROKEN),
        ([b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\ntoo much"], Fault.NONSENSE),
        ([b"HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\n"], Fault.NONSENSE),
        ([b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999999\r\n\r\n"], Fault.NONSENSE),
        ([b"SSH-2.0-OpenSSH_9.2\r\n"], Fault.NONSENSE),
        ([b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"], Fault.NONSENSE),
        ([b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n-5\r\n"], Fault.NONSENSE),
        ([b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n"], Fault.NONSENSE),
        ([b"x" * 100_000], Fault.NONSENSE),
    ],
)
async def test_what_is_no_whole_answer_is_named(answer: Steps, fault: Fault) -> None:
    assert await fault_of(answer) is fault


async def test_a_hanging_and_a_dripping_server_time_out() -> None:
    assert await fault_of([HANG], 0.3) is Fault.TIMEOUT
    drops: list[bytes | float | None] = [b"a", 0.3]
    dripping = [b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n", *drops * 9]
    assert await fault_of(dripping, 0.5) is Fault.TIMEOUT


async def test_an_idle_connection_that_was_closed_is_told_apart_from_a_broken_one() -> None:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for number in range(2):
            await reader.readuntil(b"{}")
            if number:
                break
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        writer.close()

    server = await asyncio.start_server(once, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, Transport(f"http://127.0.0.1:{port}") as transport:
        assert (await transport.post(PATH, b"{}", 5)).body == b"ok"
        with pytest.raises(TransportError) as caught:
            await transport.post(PATH, b"{}", 5)
    assert caught.value.fault is Fault.DROPPED


async def test_a_stream_comes_event_by_event_and_a_refused_one_as_a_body() -> None:
    events: list[bytes] = []
    told = stream(delta(content="Hel"), 0.05, delta(content="lo"), DONE)
    async with standin({PATH: told}) as peer, Transport(peer.url) as transport:
        assert (await transport.stream(PATH, b"{}", 5, events.append)).status == 200
    assert [json.loads(e)["choices"][0]["delta"] for e in events[:-1]] == [
        {"content": "Hel"},
        {"content": "lo"},
    ]
    assert events[-1] == b"[DONE]"
    refusal = {PATH: reply({"detail": "no"}, 422)}
    async with standin(refusal) as peer, Transport(peer.url) as transport:
        refused = await transport.stream(PATH, b"{}", 5, events.append)
    assert (refused.status, json.loads(refused.body)) == (422, {"detail": "no"})


async def test_cancelling_leaves_the_server() -> None:
    async with standin({PATH: [HANG]}) as peer, Transport(peer.url) as transport:
        asking = asyncio.create_task(transport.post(PATH, b"{}", 60))
        await asyncio.sleep(0.1)
        asking.cancel()
        await asyncio.wait_for(peer.client_left.wait(), 5)


def feed(pieces: list[bytes]) -> Response | None:
    reader, found = ReplyReader(), None
    for piece in pieces:
        assert found is None
        found = reader.feed(piece)
    return found


def test_an_answer_is_the_same_wherever_it_is_cut() -> None:
    chance = random.Random(7)
    body = bytes(chance.randrange(256) for _ in range(300))
    chunked = b"".join(chunk(body[at : at + 37]) for at in range(0, 300, 37))
    whole = [
        b"HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n" + body,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked + b"0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 300\r\n\r\n" + body,
    ]
    for wire in whole:
        for _ in range(300):
            cuts = sorted(chance.sample(range(1, len(wire)), chance.randrange(1, 12)))
            pieces = [wire[a:b] for a, b in zip([0, *cuts], [*cuts, len(wire)], strict=True)]
            found = feed(pieces)
            assert found is not None
            assert (found.status, found.body) == (200, body)


def is_nonsense(reader: ReplyReader, wire: bytes) -> bool:
    try:
        reader.feed(wire)
    except TransportError as error:
        return error.fault is Fault.NONSENSE
    return False


def test_ten_thousand_ruined_answers_end_as_an_answer_or_a_plain_error() -> None:
    chance = random.Random(11)
    good = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    plain = b"HTTP/1.1 503 Busy\r\nretry-after: 3\r\ncontent-length: 5\r\n\r\nhello"
    errors = 0
    for _ in range(10_000):
        wire = bytearray(chance.choice((good, plain)))
        for _ in range(chance.randrange(1, 5)):
            at = chance.randrange(len(wire))
            wire[at : at + chance.randrange(3)] = chance.randbytes(chance.randrange(4))
        events: list[bytes] = []
        reader = ReplyReader(events.append if chance.random() < 0.3 else None)
        errors += is_nonsense(reader, bytes(wire))
    assert 1000 < errors < 10_000
