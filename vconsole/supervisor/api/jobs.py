"""Batches as jobs: asked for, listed, paused, resumed, cancelled, changed, tried again."""

from __future__ import annotations

from aiohttp import web

from vconsole.supervisor.api.answers import SUPERVISOR, body, json_answer
from vconsole.supervisor.jobs.model import JobChange, JobRequest


async def _list(request: web.Request) -> web.Response:
    """All jobs that are remembered, the newest first."""
    return json_answer(request.app[SUPERVISOR].jobs.all())


async def _submit(request: web.Request) -> web.Response:
    """Queue a batch."""
    wanted = await body(request, JobRequest)
    return json_answer(await request.app[SUPERVISOR].jobs.submit(wanted), 202)


async def _show(request: web.Request) -> web.Response:
    """One job."""
    return json_answer(request.app[SUPERVISOR].jobs.get(request.match_info["id"]))


async def _cost(request: web.Request) -> web.Response:
    """What it has cost until now: its share of energy and hardware while it ran."""
    return json_answer(await request.app[SUPERVISOR].job_cost(request.match_info["id"]))


async def _pause(request: web.Request) -> web.Response:
    """Let what is under way end, and send nothing more."""
    return json_answer(request.app[SUPERVISOR].jobs.pause(request.match_info["id"]))


async def _resume(request: web.Request) -> web.Response:
    """Go on."""
    return json_answer(request.app[SUPERVISOR].jobs.resume(request.match_info["id"]))


async def _cancel(request: web.Request) -> web.Response:
    """End it; answers that are there stay."""
    return json_answer(request.app[SUPERVISOR].jobs.cancel(request.match_info["id"]))


async def _retry(request: web.Request) -> web.Response:
    """Run again what failed of a job, and nothing else; the answer is the job."""
    return json_answer(await request.app[SUPERVISOR].jobs.retry(request.match_info["id"]), 202)


async def _change(request: web.Request) -> web.Response:
    """Another `priority`, `weight` or `concurrency` for a job; concurrency 0 tunes itself."""
    wanted = await body(request, JobChange)
    return json_answer(request.app[SUPERVISOR].jobs.change(request.match_info["id"], wanted))


ROUTES = (
    web.get("/v1/jobs", _list),
    web.post("/v1/jobs", _submit),
    web.get("/v1/jobs/{id}", _show),
    web.get("/v1/jobs/{id}/cost", _cost),
    web.post("/v1/jobs/{id}/pause", _pause),
    web.post("/v1/jobs/{id}/resume", _resume),
    web.post("/v1/jobs/{id}/cancel", _cancel),
    web.post("/v1/jobs/{id}/retry", _retry),
    web.post("/v1/jobs/{id}/change", _change),
)
