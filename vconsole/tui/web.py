"""The console in a browser, through textual-serve: one console process for each page that is open.

Whoever reaches the port could press every key, and so could a page of another site that the browser
has open; therefore a page needs the key of this run, and a websocket comes from our own page.
"""

from __future__ import annotations

import hmac
import logging
import secrets
import shlex
import sys
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import urlsplit

from aiohttp import web
from textual_serve.server import Server

from vconsole.errors import VConsoleError

COOKIE = "vconsole"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class WebConsole(Server):
    """Serves `command` at `public_url` to whoever brings the key; `address` has it."""

    def __init__(
        self, command: Sequence[str], host: str, port: int, public_url: str | None = None
    ) -> None:
        # textual-serve hands it to a shell, which the command replaces.
        line = f"exec {shlex.join(command)}"
        super().__init__(line, host, port, title="vconsole", public_url=public_url)
        self._key = secrets.token_urlsafe(16)

    @property
    def address(self) -> str:
        return f"{self.public_url}/?key={self._key}"

    def run(self) -> None:
        """Serve until interrupted."""
        try:
            self.serve()
        except OSError as error:
            raise VConsoleError(
                f"cannot listen on {self.host}:{self.port}: {error.strerror or error}",
                "name another port with --port",
            ) from error

    def initialize_logging(self) -> None:
        logging.basicConfig(level=logging.WARNING, format="%(message)s")

    async def on_startup(self, app: web.Application) -> None:
        sys.stdout.write(f"The console is at {self.address}\n")
        sys.stdout.flush()

    async def _make_app(self) -> web.Application:
        app = await super()._make_app()
        app.middlewares.append(self._guarded)
        return app

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self._is_key(request.query.get("key", "")):
            # The key goes where no history keeps it.
            answer = web.HTTPFound("/")
            answer.set_cookie(COOKIE, self._key, httponly=True, samesite="Strict")
            return answer
        if not self._is_key(request.cookies.get(COOKIE, "")) or not self._is_ours(request):
            return web.Response(
                status=403, text="Open the address that `vconsole serve-web` printed.\n"
            )
        return await handler(request)

    def _is_key(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self._key.encode())

    def _is_ours(self, request: web.Request) -> bool:
        """Browsers say which page opens a websocket; what is no browser says nothing."""
        origin = request.headers.get("Origin")
        return origin is None or urlsplit(origin).netloc == urlsplit(self.public_url).netloc
