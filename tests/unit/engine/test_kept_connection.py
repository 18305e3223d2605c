"""The connection that scrapes: kept, opened anew where it was closed, and never taken in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from vconsole.engine.metrics.kept_connection import (
    BrokenAnswerError,
    CannotConnectError,
    EndlessAnswerError,
    KeptConnection,
)

LARGEST_BYTES = 100_000
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    b"3\r\nhel\r\n2;x=1\r\nlo\r\n0\r\nTrailer: 1\r\n\r\n"
)
UNTIL_THE_END = b"HTTP/1.0 200 OK\r\n\r\nhello"


class Peer:
    """Plays one list of answers per connection; an empty answer closes the connection."""

    def __init__(self, *connections: Sequence[bytes]) -> None:
        self.url = ""
        self.requests: list[bytes] = []
        self.opened = 0
        self._connections = connections

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers = self._connections[min(self.opened, len(self._connections) - 1)]
        self.opened += 1
        try:
            for answer in answers:
                self.requests.append(await reader.readuntil(b"\r\n\r\n"))
                writer.write(answer)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def served(*connections: Sequence[bytes]) -> AsyncIterator[tuple[Peer, KeptConnection]]:
    peer = Peer(*connections)
    server = await asyncio.start_server(peer.handle, "127.0.0.1", 0)
    peer.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    connection = made(peer.url)
    try:
        yield peer, connection
    finally:
        connection.close()
        server.close()


def made(url: str, uds: str | None = None, idle_s: float = 3.0) -> KeptConnection:
    return KeptConnection(url, {"Authorization": "Bearer key"}, uds, idle_s, LARGEST_BYTES)


@pytest.mark.parametrize("answer", [WHOLE, CHUNKED, UNTIL_THE_END])
async def test_bodies_end_in_three_ways(answer: bytes) -> None:
    async with served([answer]) as (peer, connection):
        found = await connection.get("/metrics")
    assert (found.status, found.body) == (200, b"hello")
    host = peer.url.removeprefix("http://").encode()
    head = b"GET /metrics HTTP/1.1\r\nHost: " + host + b"\r\nAuthorization: Bearer key\r\n\r\n"
    assert peer.requests == [head]


async def test_one_connection_carries_many_requests() -> None:
    async with served([WHOLE, CHUNKED, WHOLE]) as (peer, connection):
        assert [(await connection.get("/")).body for _ in range(3)] == [b"hello"] * 3
    assert peer.opened == 1


async def test_a_connection_that_was_closed_while_idle_is_opened_anew() -> None:
    async with served([WHOLE], [WHOLE]) as (peer, connection):
        assert (await connection.get("/")).body == b"hello"
        await asyncio.sleep(0.05)
        assert (await connection.get("/")).body == b"hello"
    assert peer.opened == 2


async def test_a_connection_that_is_closed_at_the_second_request_is_opened_anew() -> None:
    async with served([WHOLE, b""], [WHOLE]) as (peer, connection):
        assert (await connection.get("/")).body == b"hello"
        assert (await connection.get("/")).body == b"hello"
    assert peer.opened == 2


@pytest.mark.parametrize(
    "answer",
    [WHOLE.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n"), WHOLE.replace(b"1.1", b"1.0")],
)
async def test_a_connection_that_is_not_to_be_kept_is_not(answer: bytes) -> None:
    async with served([answer, answer], [answer]) as (peer, connection):
        await connection.get("/")
        await connection.get("/")
    assert peer.opened == 2


async def test_a_connection_that_was_idle_for_long_is_left() -> None:
    async with served([WHOLE, WHOLE], [WHOLE]) as (peer, _):
        impatient = made(peer.url, idle_s=0.0)
        await impatient.get("/")
        await impatient.get("/")
        impatient.close()
    assert peer.opened == 2


async def test_calls_may_overlap() -> None:
    async with served([WHOLE]) as (peer, connection):
        answers = await asyncio.gather(*(connection.get("/") for _ in range(3)))
    assert [answer.body for answer in answers] == [b"hello"] * 3
    assert peer.opened == 3


async def test_a_path_of_the_url_and_a_unix_socket(tmp_path: Path) -> None:
    peer, path = Peer([WHOLE]), str(tmp_path / "s.sock")
    server = await asyncio.start_unix_server(peer.handle, path)
    connection = made("http://localhost/behind", uds=path)
    assert (await connection.get("/metrics")).body == b"hello"
    assert peer.requests[0].startswith(b"GET /behind/metrics HTTP/1.1\r\nHost: localhost\r\n")
    connection.close()
    server.close()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"", BrokenAnswerError),
        (b"nonsense", BrokenAnswerError),
        (b"SSH-2.0-x y\r\n\r\n", BrokenAnswerError),
        (b"HTTP/1.1 two\r\n\r\n", BrokenAnswerError),
        (b"HTTP/1.1\r\n\r\n", BrokenAnswerError),
        (WHOLE[:-1], BrokenAnswerError),
        (CHUNKED[:-4], BrokenAnswerError),
        (CHUNKED.replace(b"3\r\nhel", b"zz\r\nhel"), BrokenAnswerError),
        (b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 20_000 + b"\r\n", BrokenAnswerError),
        (WHOLE.replace(b"h: 5", b"h: 200000"), EndlessAnswerError),
        (WHOLE.replace(b"h: 5", b"h: -5"), EndlessAnswerError),
        (CHUNKED.replace(b"3\r\nhel", b"ffffff\r\nhel"), EndlessAnswerError),
        (UNTIL_THE_END + b"x" * LARGEST_BYTES, EndlessAnswerError),
    ],
)
async def test_what_is_no_answer_is_said_to_be_none(
    answer: bytes, error: type[BrokenAnswerError]
) -> None:
    async with served([answer]) as (_, connection):
        with pytest.raises(error):
            await connection.get("/")


async def test_nobody_listening() -> None:
    async with served([WHOLE]) as (peer, _):
        pass
    with pytest.raises(CannotConnectError):
        await made(peer.url).get("/")
