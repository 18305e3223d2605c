"""A stand-in for Ollama's HTTP server: six routes, as its official client reads them."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

NEVER = "2318-01-01T00:00:00Z"


@dataclass
class OllamaStandIn:
    """`loaded` is the card's share of each model in bytes; `unloading` is called as one goes."""

    loaded: dict[str, int]
    unloading: Callable[[str], None] = lambda _: None
    url: str = ""
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    refuses: bool = False

    def answer(self, path: str, body: dict[str, Any]) -> tuple[int, object]:
        self.asked.append((path, body))
        listed = [self._model(name) for name in self.loaded]
        routes: dict[str, Callable[[], tuple[int, object]]] = {
            "/": lambda: (200, "Ollama is running"),
            "/api/version": lambda: (200, {"version": "0.12.6"}),
            "/api/tags": lambda: (200, {"models": listed}),
            "/api/ps": lambda: (200, {"models": listed}),
            "/api/show": lambda: (200, {"model_info": {"general.architecture": "llama"}}),
            "/api/generate": lambda: self._generate(body),
        }
        return routes.get(path, lambda: (404, {"error": "404 page not found"}))()

    def _model(self, name: str) -> dict[str, Any]:
        size = self.loaded[name]
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
        if self.refuses or name not in self.loaded:
            return 404, {"error": f"model '{name}' not found"}
        reason = "load"
        if body.get("keep_alive") == 0 and not body.get("prompt"):
            del self.loaded[name]
            self.unloading(name)
            reason = "unload"
        done = {"created_at": NEVER, "response": "", "done": True, "done_reason": reason}
        return 200, {"model": name, **done}


@contextmanager
def ollama_stand_in(**loaded: int) -> Iterator[OllamaStandIn]:
    """Serve on a free port until the block ends; models are `name=bytes`, `_` standing for `:`."""
    peer = OllamaStandIn({name.replace("_", ":"): size for name, size in loaded.items()})

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._respond({})

        def do_POST(self) -> None:
            size = int(self.headers.get("Content-Length", "0"))
            self._respond(json.loads(self.rfile.read(size) or b"{}"))

        def _respond(self, body: dict[str, Any]) -> None:
            code, answer = peer.answer(self.path, body)
            payload = answer if isinstance(answer, str) else json.dumps(answer)
            self.send_response(code)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    peer.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield peer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
