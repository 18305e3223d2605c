"""What the benchmarks stand on: folders of their own, one real server, and a bounded load."""

from __future__ import annotations

import compileall
import http.client
import json
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import psutil

import vconsole
from tests.support.beside import beside
from tests.support.home import SCRIPT, Home, free_port, shared_engine
from vconsole.supervisor.client import SupervisorClient

LOAD_THREADS = 2
LOAD_TOKENS = 48


class Ground:
    """A home whose server `main` is started when the first benchmark needs it."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="vconsole-bench-")
        self.home = Home(Path(self._folder.name), shared_engine())
        self.home.env.pop("PYTHONDONTWRITEBYTECODE", None)
        self._started = False
        for package in (Path(vconsole.__file__).parent, Path(__file__).parent):
            compileall.compile_dir(str(package), quiet=2)

    @property
    def environment(self) -> dict[str, str]:
        return self.home.env

    @property
    def script(self) -> str:
        return str(SCRIPT)

    def command(self, *arguments: str) -> list[str]:
        return [self.script, *arguments]

    def python(self, *arguments: str) -> list[str]:
        return [sys.executable, *arguments]

    def client(self) -> SupervisorClient:
        return SupervisorClient(self.home.socket)

    def serve(self) -> None:
        """Have a ready server; the first caller waits for its start."""
        if not self._started:
            self.start()
            self._started = True

    def start(self) -> None:
        ran = self.home.run("start", "demo", "--json", "--port", str(free_port()))
        if ran.code:
            raise RuntimeError(f"the server did not start: {ran.err}")

    @property
    def url(self) -> str:
        url = self.client().status().server.url
        assert url is not None
        return url

    @property
    def supervisor(self) -> psutil.Process:
        pid = self.client().info().pid
        assert pid is not None
        return psutil.Process(pid)

    @contextmanager
    def load(self) -> Iterator[None]:
        """Keep a few requests in flight while the block runs; only ever to 127.0.0.1."""
        model = self.client().status().server.served_name
        ask = partial(_ask_on, urlsplit(self.url).netloc, model)
        with beside(*[ask] * LOAD_THREADS):
            yield

    def close(self) -> None:
        self.home.close()
        self._folder.cleanup()


def _ask_on(address: str, model: str | None, over: threading.Event) -> None:
    body = json.dumps(
        {"model": model, "prompt": "The lark", "max_tokens": LOAD_TOKENS, "ignore_eos": True}
    )
    while not over.is_set():
        connection = http.client.HTTPConnection(address, timeout=20)
        try:
            connection.request(
                "POST", "/v1/completions", body, {"Content-Type": "application/json"}
            )
            connection.getresponse().read()
        finally:
            connection.close()
