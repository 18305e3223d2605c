"""The supervisor's HTTP on its Unix socket: `/v1`, only ever added to.

Answers are JSON; `/v1/events` and an ask are streams of server-sent events. Errors are
`{"error": {kind, message, remedy, exit_code}}` with a 4xx status.
"""

from __future__ import annotations

from aiohttp import web

from vconsole.supervisor.api import itself, jobs, models, ollama, servers, telling
from vconsole.supervisor.api.answers import SUPERVISOR, checked
from vconsole.supervisor.core import Supervisor

LARGEST_BODY_BYTES = 16 << 20
SUBJECTS = (itself, telling, servers, models, ollama, jobs)
ROUTES = tuple(route for subject in SUBJECTS for route in subject.ROUTES)


def build_scrape_app(supervisor: Supervisor) -> web.Application:
    """What Prometheus may see on loopback: the metrics and nothing else."""
    app = web.Application()
    app[SUPERVISOR] = supervisor
    app.add_routes([web.get("/metrics", telling.exposition)])
    return app


def build_app(supervisor: Supervisor) -> web.Application:
    app = web.Application(middlewares=[checked], client_max_size=LARGEST_BODY_BYTES)
    app[SUPERVISOR] = supervisor
    app.add_routes(ROUTES)
    return app
