"""A stand-in for vLLM's HTTP server: says what a test tells it, also what vLLM never would.

A script maps a path to steps: bytes are written, numbers are seconds of silence, and `HANG` keeps
the connection open until the client leaves. After the last step the connection is closed.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

HANG = None
Steps = Sequence[bytes | float | None]
Answer = Steps | Callable[[dict[str, Any]], Steps]

_STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
)


@dataclass
class Standin:
    url: str
    requests: list[tuple[str, dict[str, str], dict[str, Any]]] = field(default_factory=list)
    client_left: asyncio.Event = field(default_factory=asyncio.Event)


def reply(body: object, status: int = 200) -> Steps:
    """A whole answer: JSON of an object, or bytes as they are."""
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = f"HTTP/1.1 {status} Status\r\nContent-Length: {len(payload)}\r\n"
    return [head.encode() + b"Connection: close\r\n\r\n" + payload]


def chunk(payload: bytes) -> bytes:
    return f"{len(payload):x}\r\n".encode() + payload + b"\r\n" if payload else b""


def event(body: object) -> bytes:
    return chunk(b"data: " + json.dumps(body).encode() + b"\n\n")


def delta(finish_reason: str | None = None, **piece: str) -> bytes:
    return event({"choices": [{"index": 0, "delta": piece, "finish_reason": finish_reason}]})


def usage(prompt_tokens: int, completion_tokens: int) -> bytes:
    counts = {"prompt_tokens": prompt_tokens, "completion_tokens": completion_tokens}
    return event({"choices": [], "usage": counts})


DONE = chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"


def stream(*steps: bytes | float | None) -> Steps:
    return [_STREAM_HEAD, *steps]


@asynccontextmanager
async def standin(script: Mapping[str, Answer], uds: str | None = None) -> AsyncIterator[Standin]:
    """Serve the script on a free port (or a Unix socket) until the block ends."""
    peer = Standin("http://localhost")

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            path, headers, body = await _request(reader)
            peer.requests.append((path, headers, body))
            answer = script.get(path, reply({"detail": "Not Found"}, 404))
            await _play(answer(body) if callable(answer) else answer, reader, writer, peer)
        except (ConnectionError, asyncio.IncompleteReadError):
            peer.client_left.set()
        finally:
            writer.close()

    if uds is not None:
        server = await asyncio.start_unix_server(handle, uds)
    else:
        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        peer.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield peer
    finally:
        server.close()


async def _request(
    reader: asyncio.StreamReader,
) -> tuple[str, dict[str, str], dict[str, Any]]:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    pairs = (line.partition(": ") for line in lines[1:] if line)
    headers = {name.lower(): value for name, _, value in pairs}
    payload = await reader.readexactly(int(headers.get("content-length", "0")))
    return lines[0].split(" ")[1], headers, json.loads(payload) if payload else {}


async def _play(
    steps: Steps, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: Standin
) -> None:
    for step in steps:
        if isinstance(step, bytes):
            writer.write(step)
            await writer.drain()
        elif step is HANG:
            await reader.read()
            peer.client_left.set()
        else:
            await asyncio.sleep(step)
