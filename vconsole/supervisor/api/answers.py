"""What every route shares: the supervisor, bodies in, answers and streams out, errors as words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import TypeVar

import msgspec
from aiohttp import web

from vconsole.errors import ExitCode, VConsoleError
from vconsole.supervisor.core import Supervisor
from vconsole.supervisor.peers import require_allowed
from vconsole.supervisor.servers.server import Server

T = TypeVar("T")
SUPERVISOR = web.AppKey("supervisor", Supervisor)
HTTP_STATUS = {
    ExitCode.USAGE: 400,
    ExitCode.NO_SERVER: 409,
    ExitCode.REFUSED: 409,
    ExitCode.FAILED: 422,
}

LEFT_CHECK_S = 0.1
KEEP_ALIVE_S = 5.0
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def checked(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        require_allowed(request, request.app[SUPERVISOR].shared_with)
        return await handler(request)
    except VConsoleError as error:
        status = HTTP_STATUS.get(error.exit_code, 500)
        return json_answer({"error": error.body()}, status)
    except web.HTTPException as error:
        unknown = VConsoleError(f"{request.method} {request.path}: {error.reason}", kind="no_route")
        return json_answer({"error": unknown.body()}, error.status)


def name_asked(request: web.Request) -> str:
    return request.query.get("name", "main")


def named(request: web.Request) -> Server:
    return request.app[SUPERVISOR].server(request.match_info["name"])


async def body(request: web.Request, wanted: type[T]) -> T:
    payload = await request.read() or b"{}"
    try:
        return msgspec.json.decode(payload, type=wanted)
    except msgspec.DecodeError as error:
        raise VConsoleError(
            f"the request makes no sense: {error}", exit_code=ExitCode.USAGE
        ) from error


def json_answer(body: object, status: int = 200) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(body) + b"\n", status=status, content_type="application/json"
    )


async def open_stream(request: web.Request) -> web.StreamResponse:
    stream = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
    )
    await stream.prepare(request)
    return stream


async def pass_on(
    request: web.Request, event: str, items: AsyncGenerator[object]
) -> web.StreamResponse:
    """Each item as an event, comments in the pauses; a client that leaves ends the generator."""
    stream = await open_stream(request)
    silent_s = 0.0
    async with aclosing(items):
        waiting = asyncio.create_task(_next(items))
        try:
            while not _left(request):
                done, _ = await asyncio.wait({waiting}, timeout=LEFT_CHECK_S)
                silent_s = 0.0 if done else silent_s + LEFT_CHECK_S
                if done and (item := waiting.result()) is None:
                    break
                if done:
                    await send(stream, event, item)
                    waiting = asyncio.create_task(_next(items))
                elif silent_s >= KEEP_ALIVE_S:
                    await stream.write(b": still here\n\n")
                    silent_s = 0.0
        except ConnectionError:
            pass
        finally:
            waiting.cancel()
            await asyncio.wait({waiting})
    return stream


async def _next(items: AsyncGenerator[object]) -> object | None:
    return await anext(items, None)


def _left(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


async def send(
    stream: web.StreamResponse, event: str, data: object, number: int | None = None
) -> None:
    head = f"event: {event}\n" if number is None else f"id: {number}\nevent: {event}\n"
    await stream.write(head.encode() + b"data: " + msgspec.json.encode(data) + b"\n\n")
