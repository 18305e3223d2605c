"""Ollama: as it is, and the rungs of the ladder.

A verb answers when it is over; a client that goes away does not cut it short.
"""

from __future__ import annotations

import asyncio

from aiohttp import web

from vconsole.errors import ExitCode, VConsoleError
from vconsole.supervisor.api.answers import SUPERVISOR, body, json_answer
from vconsole.supervisor.ollama.model import OllamaRequest, Rung


async def _status(request: web.Request) -> web.Response:
    """Ollama as it is now, and what can be taken from it."""
    return json_answer(await request.app[SUPERVISOR].ollama.report())


async def _verb(request: web.Request) -> web.Response:
    """Carry out one rung of the ladder, or `restore`."""
    desk, verb = request.app[SUPERVISOR].ollama, request.match_info["verb"]
    wanted = await body(request, OllamaRequest)
    if verb == "restore":
        return json_answer(await asyncio.shield(desk.restore()))
    if verb not in set(Rung):
        raise VConsoleError(f"Ollama has no verb {verb!r}", exit_code=ExitCode.USAGE)
    return json_answer(await asyncio.shield(desk.climb(Rung(verb), wanted.pid)))


ROUTES = (
    web.get("/v1/ollama", _status),
    web.post("/v1/ollama/{verb}", _verb),
)
