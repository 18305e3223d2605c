"""The supervisor itself: who it is, and its end."""

from __future__ import annotations

import msgspec
from aiohttp import web

from vconsole.errors import ExitCode, VConsoleError
from vconsole.supervisor.api.answers import SUPERVISOR, body, json_answer


class ShutDownRequest(msgspec.Struct, frozen=True):
    servers: str = "keep"


async def _supervisor(request: web.Request) -> web.Response:
    """Who it is: pid, version, socket, owner, unit."""
    return json_answer(request.app[SUPERVISOR].info())


async def _shut_down(request: web.Request) -> web.Response:
    """End it: `{"servers": "keep"}` leaves the servers running, `"stop"` stops them first."""
    supervisor = request.app[SUPERVISOR]
    wanted = await body(request, ShutDownRequest)
    if wanted.servers not in {"keep", "stop"}:
        raise VConsoleError("servers is `keep` or `stop`", exit_code=ExitCode.USAGE)
    supervisor.stop_servers = wanted.servers == "stop"
    supervisor.leaving.set()
    return json_answer(supervisor.info())


ROUTES = (
    web.get("/v1/supervisor", _supervisor),
    web.post("/v1/supervisor/stop", _shut_down),
)
