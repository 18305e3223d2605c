"""A second, private listener for a vLLM server: its development routes of sleep, and its port.

Named to `vllm serve --middleware`, so that vLLM itself loads it into its API server; it stands in
the way of no request. On the Unix socket that VCONSOLE_SLEEP_SOCKET names there are vLLM's own
`/sleep`, `/wake_up` and `/is_sleeping`, `/port/release` and `/port/take`, and all that the public
port has. The public port never has any of the former: VLLM_SERVER_DEV_MODE stays off.
"""

import asyncio
import contextlib
import logging
import os
import socket

import uvicorn
from fastapi import FastAPI
from fastapi.responses import JSONResponse

log = logging.getLogger("vllm.vconsole_sleep")


class SecondListener:
    """What vLLM adds to its app; opens the listener when the app begins to serve."""

    def __init__(self, app):
        self.app = app
        self.serving = None

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            self.open(scope["app"])
        await self.app(scope, receive, send)

    def open(self, public):
        """Serve beside `public`; a server that cannot only never sleeps."""
        path = os.environ.get("VCONSOLE_SLEEP_SOCKET")
        if not path:
            return
        try:
            bound = private_socket(path)
            config = uvicorn.Config(control(public), lifespan="off", log_config=None)
            self.serving = asyncio.create_task(Quiet(config).serve(sockets=[bound]))
        except (OSError, ImportError, AttributeError) as error:
            log.warning("vconsole: no listener on %s, so no sleep: %s", path, error)


class Quiet(uvicorn.Server):
    """A server that leaves the signals to vLLM's own."""

    @contextlib.contextmanager
    def capture_signals(self):
        yield


def private_socket(path):
    """A socket at `path` for this user alone."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        bound.bind(path)
    finally:
        os.umask(before)
    return bound


def control(public):
    """The app of the second listener."""
    from vllm.entrypoints.serve.dev.sleep.api_router import attach_router

    app = FastAPI(openapi_url=None)
    app.state.engine_client = public.state.engine_client
    attach_router(app)

    @app.post("/port/release")
    async def release(drain_s: float = 0.0):
        return {"unfinished": await let_go(public.state.server, drain_s)}

    @app.post("/port/take")
    async def take():
        try:
            await listen_again(public.state.server)
        except OSError as error:
            return JSONResponse({"error": {"message": str(error)}}, 409)
        return {"listens": True}

    app.mount("/", public)
    return app


async def let_go(server, drain_s):
    """Listen no more, and give what is in flight `drain_s`; how much of it is left."""
    for listener in server.servers:
        listener.close()
    server.servers.clear()
    state = server.server_state
    for connection in list(state.connections):
        connection.shutdown()
    if state.tasks:
        await asyncio.wait(set(state.tasks), timeout=drain_s)
    return len(state.tasks)


async def listen_again(server):
    """Listen on the public address once more, as uvicorn began to."""
    if server.servers:
        return
    config, loop = server.config, asyncio.get_running_loop()

    def protocol():
        return config.http_protocol_class(
            config=config,
            server_state=server.server_state,
            app_state=server.lifespan.state,
            _loop=loop,
        )

    host = config.host or ""
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, config.port))
        listener = await loop.create_server(
            protocol, sock=bound, ssl=config.ssl, backlog=config.backlog
        )
    except OSError:
        bound.close()
        raise
    server.servers.append(listener)
