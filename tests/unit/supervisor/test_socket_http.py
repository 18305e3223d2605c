"""The faces' HTTP over a Unix socket, against a peer that answers as each case says."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from vconsole.supervisor.socket_http import BrokenAnswerError, Exchange

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
# What `vconsole status` and the first frame of the console pay for and do not need.
HEAVY = ("http.client", "email", "sqlite3", "vconsole.supervisor.jobs.model")


@contextmanager
def peer(folder: Path, *pieces: bytes) -> Iterator[tuple[Path, list[bytes]]]:
    """Takes one request, writes the pieces one by one, and leaves."""
    path, asked = folder / "s", list[bytes]()
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(path))
    listening.listen()

    def serve() -> None:
        connection, _ = listening.accept()
        with connection:
            asked.append(connection.recv(1 << 16))
            for piece in pieces:
                connection.sendall(piece)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield path, asked
    finally:
        thread.join(10)
        listening.close()


@contextmanager
def asked_of(path: Path, method: str = "GET", payload: bytes | None = None) -> Iterator[Exchange]:
    with closing(Exchange(path, 10)) as exchange:
        exchange.send(method, "/v1/x?a=b", payload)
        yield exchange


@pytest.mark.parametrize(
    "pieces",
    [
        (HEAD + b"Content-Length: 6\r\n\r\none\ntw",),
        (HEAD + b"content-length:6\r\n\r\none", b"\ntw"),
        (CHUNKED, b"3\r\none\r\n", b"3;x=y\r\n\ntw\r\n", b"0\r\n\r\n"),
        (b"HTTP/1.0 200 OK\r\n\r\n", b"one\n", b"tw"),
    ],
)
def test_a_body_ends_where_its_head_says(tmp_path: Path, pieces: tuple[bytes, ...]) -> None:
    with peer(tmp_path, *pieces) as (path, _), asked_of(path) as exchange:
        assert (exchange.status, exchange.read()) == (200, b"one\ntw")


def test_a_line_comes_as_soon_as_it_was_sent(tmp_path: Path) -> None:
    pieces = (CHUNKED, b"6\r\none\r\nt\r\n", b"4\r\nwo\nx\r\n", b"0\r\n\r\n")
    with peer(tmp_path, *pieces) as (path, _), asked_of(path) as exchange:
        assert list(exchange.lines()) == [b"one", b"two"]


def test_a_request_says_what_it_brings(tmp_path: Path) -> None:
    nothing = HEAD + b"Content-Length: 0\r\n\r\n"
    with (
        peer(tmp_path, nothing) as (path, asked),
        asked_of(path, "POST", b'{"a":1}') as exchange,
    ):
        assert exchange.read() == b""
    head, _, body = asked[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/x?a=b HTTP/1.1\r\nHost: localhost\r\n")
    assert {b"Content-Length: 7", b"Content-Type: application/json"} < set(head.split(b"\r\n"))
    assert body == b'{"a":1}'


@pytest.mark.parametrize(
    "pieces",
    [
        (),
        (b"SSH-2.0-OpenSSH\r\n",),
        (b"HTTP/1.1 2",),
        (HEAD + b"Content-Length: six\r\n\r\n",),
        (HEAD + b"Content-Length: 6\r\n\r\none",),
        (CHUNKED, b"3\r\non"),
        (CHUNKED, b"soon\r\n"),
    ],
)
def test_what_is_no_whole_answer_is_an_error(tmp_path: Path, pieces: tuple[bytes, ...]) -> None:
    with (
        peer(tmp_path, *pieces) as (path, _),
        pytest.raises(BrokenAnswerError),
        asked_of(path) as exchange,
    ):
        exchange.read()


def test_a_client_imports_little() -> None:
    code = (
        "import sys; from vconsole.supervisor import autostart; "
        f"print(*[name for name in {HEAVY!r} if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == []
