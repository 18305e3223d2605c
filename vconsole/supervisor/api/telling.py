"""What is and what was: the status page, its stream, the event log, the report."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, suppress

from aiohttp import web

from vconsole.supervisor.api.answers import (
    SUPERVISOR,
    json_answer,
    name_asked,
    open_stream,
    send,
)
from vconsole.supervisor.model import Attached
from vconsole.supervisor.queries import EventLogQuery, ReportQuery
from vconsole.supervisor.waiting import set_within

SHORTEST_BETWEEN_SNAPSHOTS_S = 0.1
# Shorter than the client's patience, so that a silence means that we are gone.
KEEP_ALIVE_S = 5.0
# The text format of Prometheus.
EXPOSITION_TYPE = "text/plain; version=0.0.4; charset=utf-8"


async def _status(request: web.Request) -> web.Response:
    """Everything on one page; `?name=` is the server that it is seen from."""
    return json_answer(request.app[SUPERVISOR].status(name_asked(request)))


async def _events(request: web.Request) -> web.StreamResponse:
    """Whole snapshots: a slow reader gets fewer of them, and nothing piles up for it.

    With `face=console` a person watches: it is told first when one did before.
    """
    supervisor, name = request.app[SUPERVISOR], name_asked(request)
    supervisor.status(name)
    stream = await open_stream(request)
    changed = asyncio.Event()
    changed.set()
    with ExitStack() as at_the_end, suppress(ConnectionError):
        at_the_end.callback(supervisor.watch(changed))
        if request.query.get("face") == "console":
            at_the_end.callback(supervisor.attendance.leave)
            await send(stream, "attached", Attached(supervisor.attendance.enter()))
        while not supervisor.leaving.is_set():
            if await set_within(changed, KEEP_ALIVE_S):
                changed.clear()
                await send(stream, "status", supervisor.status(name), supervisor.version_of_state)
                await asyncio.sleep(SHORTEST_BETWEEN_SNAPSHOTS_S)
            else:
                await stream.write(b": still here\n\n")
    return stream


async def _event_log(request: web.Request) -> web.Response:
    """What happened: `?since=&kind=&server=&after_id=&limit=`; `wait_s` waits for news."""
    query = EventLogQuery.of(request.query)
    return json_answer(await request.app[SUPERVISOR].events.find(query.events, query.wait_s))


async def _report(request: web.Request) -> web.Response:
    """What happened since `?since=`, of `?server=` or of all: served, failed, promised, cost."""
    query = ReportQuery.of(request.query)
    return json_answer(await request.app[SUPERVISOR].report(query.since, query.server))


async def exposition(request: web.Request) -> web.Response:
    """Our own metrics; it is served on loopback too, where the settings open a port."""
    body = await request.app[SUPERVISOR].exposition()
    return web.Response(body=body, headers={"Content-Type": EXPOSITION_TYPE})


ROUTES = (
    web.get("/v1/status", _status),
    web.get("/v1/events", _events),
    web.get("/v1/events/log", _event_log),
    web.get("/v1/report", _report),
    web.get("/v1/metrics", exposition),
)
