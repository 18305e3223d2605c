"""Processes that pass themselves off as something else, for what a real vLLM cannot show."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from pathlib import Path

# A stand-in for vLLM's HTTP server: `vllm serve NAME --port PORT [--api-key KEY]`.
SERVER = """
import http.server, json, sys
name, port, key = sys.argv[2], sys.argv[4], "".join(sys.argv[6:])
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        known = {"/version": {"version": "0.32.0"},
                 "/v1/models": {"data": [{"id": name, "owned_by": "vllm"}]}}
        code = 404 if name == "nothing" or self.path not in known else 200
        if key and self.path.startswith("/v1") and self.headers["Authorization"] != "Bearer " + key:
            code = 401
        body = json.dumps(known[self.path] if code == 200 else {}).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words):
        print(self.path, flush=True)
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Answer)
print("listening", flush=True)
server.serve_forever()
"""


def popen(*argv: str, executable: str = sys.executable) -> subprocess.Popen[str]:
    """A process that shows `argv` and runs `executable`; it has said its first line."""
    process = subprocess.Popen(
        argv, executable=executable, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    return process


def server_like_vllm(folder: Path, name: str, port: int, *key: str) -> subprocess.Popen[str]:
    """A stand-in that is started and answers as vLLM does; `nothing` as a name answers 404."""
    program = folder / "vllm"
    program.write_text(SERVER)
    flags = ("--port", str(port), *(("--api-key", *key) if key else ()))
    return popen(sys.executable, str(program), "serve", name, *flags)


def said_so_far(process: subprocess.Popen[str]) -> list[str]:
    """The lines that it has printed until now, taken out of what `end` returns."""
    assert process.stdout is not None
    said = b""
    while select.select([process.stdout], [], [], 0.2)[0]:
        said += os.read(process.stdout.fileno(), 1 << 16)
    return said.decode().split()


def end(process: subprocess.Popen[str]) -> str:
    """End it and return what it printed meanwhile."""
    process.kill()
    out, _ = process.communicate()
    return out
