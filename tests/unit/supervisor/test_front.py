"""The stand-in on a port: what it says, whom it holds, and how a socket changes hands."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import httpx
import psutil
import pytest

from tests.support.home import free_port, wait_until
from vconsole.supervisor.processes import process, tree
from vconsole.supervisor.processes.front import Front, Notice
from vconsole.supervisor.processes.shared_socket import bound_socket, stop_listening

NOTICE = Notice("lark is being replaced by owl", "lark", "owl", "start", 11.6)
PATIENCE_S = 30.0
BINDS = """
import socket, sys
bound = socket.socket()
bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
bound.bind(("127.0.0.1", int(sys.argv[1])))
print("bound", flush=True)
sys.stdin.readline()
bound.listen()
print("listens", flush=True)
bound.setblocking(True)
visitor, _ = bound.accept()
visitor.recv(65536)
visitor.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 5\\r\\nConnection: close\\r\\n\\r\\nserve")
visitor.close()
"""


def front_on(port: int, *, holds: bool = False) -> Front:
    return Front("127.0.0.1", port, lambda: NOTICE, holds)


async def ask(port: int, method: str = "POST") -> httpx.Response:
    body = b"x" * 200_000 if method == "POST" else b""
    async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
        return await client.request(method, f"http://127.0.0.1:{port}/v1/models", content=body)


async def until_held(front: Front) -> None:
    await asyncio.to_thread(wait_until, "it is held", lambda: front.held, PATIENCE_S)


async def test_it_takes_the_port_when_it_is_let_go_and_refuses_with_reasons() -> None:
    port = free_port()
    owner = process.bind("127.0.0.1", port)
    owner.listen()
    front = front_on(port)
    taking = asyncio.create_task(front.take_port())
    await asyncio.sleep(0.1)
    assert not front.listens
    owner.close()
    await asyncio.wait_for(taking, PATIENCE_S)
    answer = await ask(port)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "12")
    assert answer.json()["error"]["message"] == NOTICE.message
    assert answer.json()["swap"] == {"from": "lark", "to": "owl", "step": "start", "eta_s": 11.6}
    front.release(serving=False)
    assert process.port_is_free("127.0.0.1", port)


async def test_work_is_held_and_passed_on_while_questions_are_answered() -> None:
    port = free_port()
    front = front_on(port, holds=True)
    await front.take_port()
    held = asyncio.create_task(ask(port))
    assert (await ask(port, "GET")).status_code == 503
    await until_held(front)
    assert not held.done()
    front.give_way()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(200_000)
        assert head.startswith(b"POST /v1/models")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", port):
        front.release(serving=True)
        answer = await asyncio.wait_for(held, PATIENCE_S)
    assert (answer.status_code, answer.text) == (200, "ok")


async def test_who_was_held_hears_it_when_nobody_serves_in_the_end() -> None:
    port = free_port()
    front = front_on(port, holds=True)
    await front.take_port()
    held = asyncio.create_task(ask(port))
    await until_held(front)
    front.release(serving=False)
    assert (await asyncio.wait_for(held, PATIENCE_S)).status_code == 503


@pytest.fixture
def binder() -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A process that has bound a port and listens on it when told to, as vLLM does."""
    port = free_port()
    child = subprocess.Popen(
        [sys.executable, "-c", BINDS, str(port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout
    assert child.stdout.readline() == "bound\n"
    with child:
        yield child, port
        child.kill()


async def test_it_answers_on_the_socket_of_a_server_that_does_not_listen_yet(
    binder: tuple[subprocess.Popen[str], int],
) -> None:
    child, port = binder
    newcomer = tree.identify(child.pid)
    assert newcomer
    shared = bound_socket(newcomer, port)
    assert shared is not None
    front = front_on(port)
    await front.listen_on(shared)
    assert (await ask(port)).status_code == 503
    front.give_way()
    assert child.stdin
    assert child.stdout
    child.stdin.write("listen\n")
    child.stdin.flush()
    assert child.stdout.readline() == "listens\n"
    assert (await ask(port, "GET")).text == "serve"


async def test_a_server_that_leaves_serves_whom_it_has_and_the_front_answers_the_others(
    binder: tuple[subprocess.Popen[str], int],
) -> None:
    child, port = binder
    leaving = tree.identify(child.pid)
    assert leaving
    assert not stop_listening(leaving, port), "it does not listen yet"
    assert child.stdin
    assert child.stdout
    child.stdin.write("listen\n")
    child.stdin.flush()
    assert child.stdout.readline() == "listens\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    # The connection is in the server's hands as soon as it has its own descriptor of it.
    await asyncio.to_thread(wait_until, "it is accepted", lambda: _connections(child.pid))
    front = front_on(port)
    taking = asyncio.create_task(front.take_port())
    assert stop_listening(leaving, port)
    await asyncio.wait_for(taking, PATIENCE_S)
    assert (await ask(port)).status_code == 503
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    assert (await asyncio.wait_for(reader.read(), 10)).endswith(b"serve")
    writer.close()
    front.give_way()


def _connections(pid: int) -> bool:
    found = psutil.Process(pid).net_connections("tcp")
    return any(one.status == psutil.CONN_ESTABLISHED for one in found)


def test_no_socket_is_found_where_there_is_none_or_the_process_is_another_one() -> None:
    us = tree.identify(os.getpid())
    assert us
    assert bound_socket(us, free_port()) is None
    assert bound_socket(tree.ProcessId(us.pid, us.start_ticks + 1), 1) is None
    with socket.create_server(("127.0.0.1", 0)) as own:
        shared = bound_socket(us, own.getsockname()[1])
        assert shared is not None
        shared.close()
