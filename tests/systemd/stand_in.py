"""A stand-in for vLLM where only processes matter: an API server with a child.

Run with `--install FOLDER` it makes an engine of itself there. As a server, SIGUSR1 makes it start
a child that leaves its session and its environment behind, as a daemon does, and after SIGUSR2 it
goes on at the first SIGTERM, as with requests in flight that do not finish.
"""

from __future__ import annotations

import http.server
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

SLEEP = "import time; time.sleep(600)"
# What they show in their command lines, so that tests find them by that alone.
CHILD = "child-of-the-stand-in"
ESCAPED = "escaped-from-the-stand-in"


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers what a supervisor asks of a server."""

    def do_GET(self) -> None:
        cards = {"data": [{"id": "stand-in", "max_model_len": 64}]}
        body = b"" if self.path in {"/health", "/metrics"} else json.dumps(cards).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *values: object) -> None:
        """Say nothing of requests."""


def install(folder: Path) -> None:
    """Make an engine in `folder` whose `vllm` script is this file."""
    (folder / "bin").mkdir(parents=True)
    (folder / "pyvenv.cfg").write_text("include-system-site-packages = false\n")
    (folder / "bin" / "python").symlink_to(sys.executable)
    script = folder / "bin" / "vllm"
    script.write_text(f"#!{sys.executable}\n{Path(__file__).read_text()}")
    script.chmod(0o755)
    info = folder / "lib" / "python3.11" / "site-packages" / "vllm-0.32.0+cpu.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\n")


def escape(*_: object) -> None:
    """Start a process that is in no session, environment or parenthood of ours."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execve(sys.executable, [sys.executable, "-c", SLEEP, ESCAPED], {})
        os._exit(0)
    os.wait()


def serve(arguments: list[str]) -> None:
    port = int(arguments[arguments.index("--port") + 1])
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    signal.signal(signal.SIGUSR1, escape)
    with subprocess.Popen([sys.executable, "-c", SLEEP, CHILD]) as child:

        def end(*_: object) -> None:
            child.kill()
            sys.exit()

        def go_on_once(*_: object) -> None:
            signal.signal(signal.SIGTERM, lambda *_: signal.signal(signal.SIGTERM, end))

        signal.signal(signal.SIGTERM, end)
        signal.signal(signal.SIGUSR2, go_on_once)
        print(f"Starting vLLM server on http://127.0.0.1:{port}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    if sys.argv[1] == "--install":
        install(Path(sys.argv[2]))
    else:
        serve(sys.argv)
