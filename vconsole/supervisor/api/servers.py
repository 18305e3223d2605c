"""The verbs of one server, its history, and the adoption of a foreign one."""

from __future__ import annotations

import msgspec
from aiohttp import web

from vconsole.requests.ask import ask
from vconsole.requests.messages import AskRequest
from vconsole.supervisor.api.answers import (
    SUPERVISOR,
    body,
    json_answer,
    named,
    pass_on,
)
from vconsole.supervisor.model import AdoptRequest, StartRequest, SwapRequest
from vconsole.supervisor.queries import HistoryQuery
from vconsole.supervisor.servers.summary import server_status


class StopRequest(msgspec.Struct, frozen=True):
    drain_s: float | None = None


class RestartRequest(msgspec.Struct, frozen=True):
    changes: tuple[str, ...] = ()


async def _server(request: web.Request) -> web.Response:
    """One server."""
    return json_answer(server_status(named(request)))


async def _history(request: web.Request) -> web.Response:
    """Its samples: `?seconds=` up to a week, folded to `?points=`."""
    query = HistoryQuery.of(request.query)
    name = named(request).name
    return json_answer(await request.app[SUPERVISOR].history(name, query.seconds, query.points))


async def _start(request: web.Request) -> web.Response:
    """Start it; the answer is the operation, which goes on."""
    return json_answer(named(request).start(await body(request, StartRequest)), 202)


async def _stop(request: web.Request) -> web.Response:
    """Drain, stop, and prove that it is gone: `{"drain_s": 15}`."""
    return json_answer(named(request).stop((await body(request, StopRequest)).drain_s), 202)


async def _restart(request: web.Request) -> web.Response:
    """Stop and start again, with changed flags where some are given."""
    return json_answer(named(request).restart((await body(request, RestartRequest)).changes), 202)


async def _swap(request: web.Request) -> web.Response:
    """Replace its model, or put the old one back."""
    wanted = await body(request, SwapRequest)
    return json_answer(named(request).swapper.swap(wanted), 202)


async def _cancel_swap(request: web.Request) -> web.Response:
    """Give up a swap that has not touched what serves."""
    return json_answer(named(request).swapper.cancel(), 202)


async def _forget(request: web.Request) -> web.Response:
    """Remove every trace of a server that does not run."""
    return json_answer(await request.app[SUPERVISOR].forget(named(request)))


async def _smoke(request: web.Request) -> web.Response:
    """The quick check that it really answers."""
    return json_answer(named(request).smoke(), 202)


async def _ask(request: web.Request) -> web.StreamResponse:
    """One request, its answer as server-sent events."""
    life = named(request).require_ready()
    wanted = await body(request, AskRequest)
    answer = ask(life.launch.url, wanted, life.api_key, model=life.launch.served_name)
    return await pass_on(request, "ask", answer)


async def _foreign(request: web.Request) -> web.Response:
    """A vLLM that is not ours, as it may be adopted."""
    return json_answer(await request.app[SUPERVISOR].foreign_server(int(request.match_info["pid"])))


async def _adopt(request: web.Request) -> web.Response:
    """Take over that server under this name."""
    wanted = await body(request, AdoptRequest)
    return json_answer(await request.app[SUPERVISOR].adopt(request.match_info["name"], wanted))


ROUTES = (
    web.get("/v1/servers/{name}", _server),
    web.delete("/v1/servers/{name}", _forget),
    web.get("/v1/servers/{name}/history", _history),
    web.post("/v1/servers/{name}/start", _start),
    web.post("/v1/servers/{name}/stop", _stop),
    web.post("/v1/servers/{name}/restart", _restart),
    web.post("/v1/servers/{name}/swap", _swap),
    web.post("/v1/servers/{name}/swap/cancel", _cancel_swap),
    web.post("/v1/servers/{name}/smoke", _smoke),
    web.post("/v1/servers/{name}/ask", _ask),
    web.post("/v1/servers/{name}/adopt", _adopt),
    web.get("/v1/foreign/{pid:[0-9]{1,10}}", _foreign),
)
