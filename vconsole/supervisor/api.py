"""The supervisor's HTTP on its Unix socket: `/v1`, only ever added to.

Answers are JSON; `/v1/events` and an ask are streams of server-sent events. Errors are
`{"error": {kind, message, remedy, exit_code}}` with a 4xx status.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from vconsole.errors import ExitCode, VConsoleError
from vconsole.requests.ask import ask
from vconsole.requests.messages import AskRequest
from vconsole.supervisor.core import Supervisor
from vconsole.supervisor.model import AdoptRequest, StartRequest
from vconsole.supervisor.peers import require_same_user
from vconsole.supervisor.queries import EventLogQuery, HistoryQuery, ReportQuery
from vconsole.supervisor.servers.summary import server_status
from vconsole.supervisor.waiting import set_within

T = TypeVar("T")
SUPERVISOR = web.AppKey("supervisor", Supervisor)
HTTP_STATUS = {
    ExitCode.USAGE: 400,
    ExitCode.NO_SERVER: 409,
    ExitCode.REFUSED: 409,
    ExitCode.FAILED: 422,
}
SHORTEST_BETWEEN_SNAPSHOTS_S = 0.1
# Shorter than the client's patience, so that a silence means that we are gone.
KEEP_ALIVE_S = 5.0
LARGEST_BODY_BYTES = 16 << 20

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class StopRequest(msgspec.Struct, frozen=True):
    drain_s: float | None = None


class ShutDownRequest(msgspec.Struct, frozen=True):
    servers: str = "keep"


def build_app(supervisor: Supervisor) -> web.Application:
    app = web.Application(middlewares=[_checked], client_max_size=LARGEST_BODY_BYTES)
    app[SUPERVISOR] = supervisor
    app.add_routes(
        [
            web.get("/v1/supervisor", _supervisor),
            web.post("/v1/supervisor/stop", _shut_down),
            web.get("/v1/status", _status),
            web.get("/v1/events", _events),
            web.get("/v1/events/log", _event_log),
            web.get("/v1/report", _report),
            web.get("/v1/servers/{name}", _server),
            web.get("/v1/servers/{name}/history", _history),
            web.post("/v1/servers/{name}/start", _start),
            web.post("/v1/servers/{name}/stop", _stop),
            web.post("/v1/servers/{name}/restart", _restart),
            web.post("/v1/servers/{name}/smoke", _smoke),
            web.post("/v1/servers/{name}/ask", _ask),
            web.post("/v1/servers/{name}/adopt", _adopt),
            web.get("/v1/foreign/{pid:[0-9]{1,10}}", _foreign),
        ]
    )
    return app


@web.middleware
async def _checked(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        require_same_user(request)
        return await handler(request)
    except VConsoleError as error:
        status = HTTP_STATUS.get(error.exit_code, 500)
        return _json({"error": error.body()}, status)
    except web.HTTPException as error:
        unknown = VConsoleError(f"{request.method} {request.path}: {error.reason}", kind="no_route")
        return _json({"error": unknown.body()}, error.status)


async def _supervisor(request: web.Request) -> web.Response:
    return _json(request.app[SUPERVISOR].info())


async def _shut_down(request: web.Request) -> web.Response:
    supervisor = request.app[SUPERVISOR]
    wanted = await _body(request, ShutDownRequest)
    if wanted.servers not in {"keep", "stop"}:
        raise VConsoleError("servers is `keep` or `stop`", exit_code=ExitCode.USAGE)
    supervisor.stop_servers = wanted.servers == "stop"
    supervisor.leaving.set()
    return _json(supervisor.info())


async def _status(request: web.Request) -> web.Response:
    return _json(request.app[SUPERVISOR].status(_name_asked(request)))


async def _server(request: web.Request) -> web.Response:
    return _json(server_status(_named(request)))


async def _history(request: web.Request) -> web.Response:
    query = HistoryQuery.of(request.query)
    name = _named(request).name
    return _json(await request.app[SUPERVISOR].history(name, query.seconds, query.points))


async def _event_log(request: web.Request) -> web.Response:
    query = EventLogQuery.of(request.query)
    return _json(await request.app[SUPERVISOR].events.find(query.events, query.wait_s))


async def _report(request: web.Request) -> web.Response:
    query = ReportQuery.of(request.query)
    return _json(await request.app[SUPERVISOR].report(query.since, query.server))


async def _start(request: web.Request) -> web.Response:
    return _json(_named(request).start(await _body(request, StartRequest)), 202)


async def _stop(request: web.Request) -> web.Response:
    return _json(_named(request).stop((await _body(request, StopRequest)).drain_s), 202)


async def _restart(request: web.Request) -> web.Response:
    return _json(_named(request).restart(), 202)


async def _smoke(request: web.Request) -> web.Response:
    return _json(_named(request).smoke(), 202)


async def _foreign(request: web.Request) -> web.Response:
    return _json(await request.app[SUPERVISOR].foreign_server(int(request.match_info["pid"])))


async def _adopt(request: web.Request) -> web.Response:
    wanted = await _body(request, AdoptRequest)
    return _json(await request.app[SUPERVISOR].adopt(request.match_info["name"], wanted))


async def _events(request: web.Request) -> web.StreamResponse:
    """Whole snapshots: a slow reader gets fewer of them, and nothing piles up for it."""
    supervisor, name = request.app[SUPERVISOR], _name_asked(request)
    supervisor.status(name)
    stream = await _open_stream(request)
    changed = asyncio.Event()
    changed.set()
    stop_watching = supervisor.watch(changed)
    try:
        while not supervisor.leaving.is_set():
            if await set_within(changed, KEEP_ALIVE_S):
                changed.clear()
                await _send(stream, "status", supervisor.status(name), supervisor.version_of_state)
                await asyncio.sleep(SHORTEST_BETWEEN_SNAPSHOTS_S)
            else:
                await stream.write(b": still here\n\n")
    except ConnectionError:
        return stream
    finally:
        stop_watching()
    return stream


async def _ask(request: web.Request) -> web.StreamResponse:
    life = _named(request).require_ready()
    wanted = await _body(request, AskRequest)
    stream = await _open_stream(request)
    answer = ask(life.launch.url, wanted, life.api_key, model=life.launch.served_name)
    async with aclosing(answer) as events:
        try:
            async for event in events:
                await _send(stream, "ask", event)
        except ConnectionError:
            return stream
    return stream


def _name_asked(request: web.Request) -> str:
    return request.query.get("name", "main")


def _named(request: web.Request) -> Any:
    return request.app[SUPERVISOR].server(request.match_info["name"])


async def _body(request: web.Request, wanted: type[T]) -> T:
    payload = await request.read() or b"{}"
    try:
        return msgspec.json.decode(payload, type=wanted)
    except msgspec.DecodeError as error:
        raise VConsoleError(
            f"the request makes no sense: {error}", exit_code=ExitCode.USAGE
        ) from error


def _json(body: object, status: int = 200) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(body) + b"\n", status=status, content_type="application/json"
    )


async def _open_stream(request: web.Request) -> web.StreamResponse:
    stream = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
    )
    await stream.prepare(request)
    return stream


async def _send(
    stream: web.StreamResponse, event: str, data: object, number: int | None = None
) -> None:
    head = f"event: {event}\n" if number is None else f"id: {number}\nevent: {event}\n"
    await stream.write(head.encode() + b"data: " + msgspec.json.encode(data) + b"\n\n")
