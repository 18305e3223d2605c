"""Models on disk: pulling them from the Hub, and taking them out of the cache."""

from __future__ import annotations

import asyncio
from pathlib import Path

from aiohttp import web

from vconsole.supervisor.api.answers import SUPERVISOR, body, json_answer
from vconsole.supervisor.model import PullRequest, RemoveRequest
from vconsole.supervisor.models.removing import remove_model


async def _pulls(request: web.Request) -> web.Response:
    """Pulls from the Hub, as operations."""
    return json_answer(request.app[SUPERVISOR].pulls.operations)


async def _pull(request: web.Request) -> web.Response:
    """Bring a model from the Hub."""
    wanted = await body(request, PullRequest)
    return json_answer(request.app[SUPERVISOR].pulls.start(wanted), 202)


async def _cancel(request: web.Request) -> web.Response:
    """End a pull; what is there is used by the next one."""
    return json_answer(request.app[SUPERVISOR].pulls.cancel(request.match_info["id"]))


async def _remove(request: web.Request) -> web.Response:
    """Take a model out of the cache, or say what that would free."""
    wanted = await body(request, RemoveRequest)
    supervisor = request.app[SUPERVISOR]
    used = supervisor.models_in_use()
    pulled = frozenset(one.subject or "" for one in supervisor.pulls.operations if not one.ended_at)
    return json_answer(
        await asyncio.to_thread(
            remove_model, wanted.name, Path(wanted.cache), used, pulled, wanted.dry_run
        )
    )


ROUTES = (
    web.get("/v1/models/pulls", _pulls),
    web.post("/v1/models/pull", _pull),
    web.post("/v1/models/pulls/{id}/cancel", _cancel),
    web.post("/v1/models/remove", _remove),
)
