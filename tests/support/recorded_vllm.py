"""A stand-in for a vLLM's `/metrics`: a recorded body of 0.32 in which single figures are set."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

BODY = (Path(__file__).parents[1] / "unit" / "data" / "metrics-0.32.0.txt").read_text()


class RecordedVllm:
    """`flat` are figures that stand; those of `rising` grow by so much a second."""

    def __init__(self) -> None:
        self.flat: Mapping[str, float] = {}
        self.rising: Mapping[str, float] = {}
        self._begun_s = time.monotonic()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        self.address = f"127.0.0.1:{self._server.server_address[1]}"

    def body(self) -> str:
        since_s = time.monotonic() - self._begun_s
        figures = {name: each * since_s for name, each in self.rising.items()}
        text = BODY
        for series, value in {**self.flat, **figures}.items():
            text, found = re.subn(
                rf"^({re.escape(series)}(?:{{.*}})?) .*$", rf"\g<1> {value}", text, flags=re.M
            )
            text += "" if found else f"{series} {value}\n"
        return text

    def kill(self) -> None:
        """No answer from here on, as of a server that was killed."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()


@contextmanager
def recorded_vllm() -> Iterator[RecordedVllm]:
    made = RecordedVllm()
    try:
        yield made
    finally:
        made.kill()


def _handler(server: RecordedVllm) -> type[BaseHTTPRequestHandler]:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = server.body().encode()
            # A Prometheus that ends does not wait for the answer.
            with contextlib.suppress(ConnectionError):
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Answer
