"""A stand-in for Ollama's HTTP server: six routes, as its official client reads them.

Where a real server stands for its `/v1`, that is asked, and its answers are passed on as they come.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

NEVER = "2318-01-01T00:00:00Z"


@dataclass
class OllamaStandIn:
    """`loaded` is the card's share of each model in bytes; `unloading` is called as one goes.

    `v1` is the real server that answers for `/v1`, under whatever name its model has there.
    """

    loaded: dict[str, int]
    on_disk: dict[str, int] = field(default_factory=dict)
    unloading: Callable[[str], None] = lambda _: None
    url: str = ""
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    refuses: bool = False
    v1: str | None = None
    v1_model: str = ""

    def answer(self, path: str, body: dict[str, Any]) -> tuple[int, object]:
        self.asked.append((path, body))
        self.on_disk |= self.loaded
        listed = [self._model(name) for name in self.loaded]
        stored = [self._model(name) for name in self.on_disk]
        routes: dict[str, Callable[[], tuple[int, object]]] = {
            "/": lambda: (200, "Ollama is running"),
            "/api/version": lambda: (200, {"version": "0.12.6"}),
            "/api/tags": lambda: (200, {"models": stored}),
            "/api/ps": lambda: (200, {"models": listed}),
            "/api/show": lambda: (200, {"model_info": {"general.architecture": "llama"}}),
            "/api/generate": lambda: self._generate(body),
        }
        return routes.get(path, lambda: (404, {"error": "404 page not found"}))()

    def _model(self, name: str) -> dict[str, Any]:
        size = self.on_disk[name]
        return {
            "name": name,
            "model": name,
            "digest": "f" * 64,
            "size": size,
            "size_vram": size,
            "expires_at": NEVER,
            "modified_at": NEVER,
            "details": {"format": "gguf"},
        }

    def _generate(self, body: dict[str, Any]) -> tuple[int, object]:
        name = str(body.get("model"))
        if self.refuses or name not in self.on_disk:
            return 404, {"error": f"model '{name}' not found"}
        reason = "load"
        if body.get("keep_alive") == 0 and not body.get("prompt"):
            self.loaded.pop(name, None)
            self.unloading(name)
            reason = "unload"
        else:
            self.loaded[name] = self.on_disk[name]
        done = {"created_at": NEVER, "response": "", "done": True, "done_reason": reason}
        return 200, {"model": name, **done}


def _server(peer: OllamaStandIn, port: int) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._respond({})

        def do_POST(self) -> None:
            size = int(self.headers.get("Content-Length", "0"))
            body = json.loads(self.rfile.read(size) or b"{}")
            if peer.v1 is not None and self.path.startswith("/v1/"):
                self._pass_on(peer.v1, body)
            else:
                self._respond(body)

        def _pass_on(self, v1: str, body: dict[str, Any]) -> None:
            """A request loads its model, as Ollama does."""
            name = str(body.get("model"))
            if name not in peer.on_disk | peer.loaded:
                self.send_error(404)
                return
            peer.asked.append((self.path, {"model": name}))
            peer.loaded.setdefault(name, (peer.on_disk | peer.loaded)[name])
            peer.on_disk |= peer.loaded
            connection = http.client.HTTPConnection(urlsplit(v1).netloc, timeout=600)
            # Whoever goes away in the middle of an answer ends it at the other end too.
            with contextlib.closing(connection), contextlib.suppress(OSError):
                payload = json.dumps({**body, "model": peer.v1_model})
                connection.request("POST", self.path, payload, {"Content-Type": "application/json"})
                with connection.getresponse() as answer:
                    self.send_response(answer.status)
                    self.send_header("Content-Type", answer.headers["Content-Type"])
                    self.end_headers()
                    while piece := answer.read1(65536):
                        self.wfile.write(piece)

        def _respond(self, body: dict[str, Any]) -> None:
            code, answer = peer.answer(self.path, body)
            payload = answer if isinstance(answer, str) else json.dumps(answer)
            self.send_response(code)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload.encode())

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 128
        daemon_threads = True

    return Server(("127.0.0.1", port), Handler)


@contextmanager
def ollama_stand_in(**loaded: int) -> Iterator[OllamaStandIn]:
    """Serve on a free port until the block ends; models are `name=bytes`, `_` standing for `:`."""
    peer = OllamaStandIn({name.replace("_", ":"): size for name, size in loaded.items()})
    server = _server(peer, 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    peer.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield peer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


if __name__ == "__main__":
    # As a process of its own: one model in memory, a port to listen on.
    standing = OllamaStandIn({"llama3:8b": 9 * 10**9}, v1=os.environ.get("OLLAMA_V1"))
    standing.v1_model = os.environ.get("OLLAMA_V1_MODEL", "")
    _server(standing, int(os.environ["OLLAMA_PORT"])).serve_forever()
