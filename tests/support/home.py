"""A user of vconsole with folders of their own, who runs commands and looks after them."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from vconsole import paths, settings
from vconsole.engine.find import require_engine

SCRIPT = Path(sys.executable).parent / "vconsole"
SPARE_FOR_COUNTERS_BYTES = 3
DROPPED = ("VCONSOLE_", "XDG_", "TEXTUAL_")


@dataclass(frozen=True)
class Ran:
    """A command that ended."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> dict[str, Any]:
        """Its stdout as the one JSON object that `--json` promises."""
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found


class Home:
    """Runs `vconsole` with isolated XDG folders below `root`, on the engine shared by all tests."""

    def __init__(self, root: Path, engine: str) -> None:
        self.root = root
        # pytest counts its folders up, so that what just fits today is too long tomorrow.
        longest = paths.SOCKET_PATH_LIMIT_BYTES - SPARE_FOR_COUNTERS_BYTES
        assert len(str(self.socket)) <= longest, f"give the home a shorter folder: {root}"
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(DROPPED)}
        self.env = {
            **inherited,
            **{f"XDG_{kind}_HOME": str(root / kind.lower()) for kind in KINDS},
            "VCONSOLE_ENGINE": engine,
            "HF_HUB_OFFLINE": "1",
            "HF_HOME": str(root / "hub"),
            "VLLM_CPU_KVCACHE_SPACE": "1",
            # What vLLM learns of a model's class costs it an import of all of itself, per cache.
            "VLLM_CACHE_ROOT": str(Path.home() / ".cache" / "vllm"),
            # One core for the engine: on the others its API server and the test get a word in.
            "VLLM_CPU_OMP_THREADS_BIND": str(min(os.sched_getaffinity(0))),
        }

    @property
    def state(self) -> Path:
        return self.root / "state" / "vconsole"

    @property
    def socket(self) -> Path:
        return self.state / "supervisor.sock"

    def popen(self, *arguments: str, **more: Any) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(SCRIPT), *arguments],
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **more,
        )

    def run(self, *arguments: str, stdin: str | None = None, timeout_s: float = 180) -> Ran:
        done = subprocess.run(
            [str(SCRIPT), *arguments],
            env=self.env,
            input=stdin or "",
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def status(self, name: str = "main") -> dict[str, Any]:
        return self.run("status", "--json", "--name", name).data

    def processes(self) -> list[psutil.Process]:
        """Every process that was started with these folders, found by its environment alone."""
        return [p for p in psutil.process_iter() if self._is_of_this_home(p)]

    def close(self) -> None:
        """End what this home started, whatever state it is in."""
        self.run("supervisor", "stop", "--servers", "stop")
        for process in self.processes():
            process.kill()
        psutil.wait_procs(self.processes(), timeout=10)

    def _is_of_this_home(self, process: psutil.Process) -> bool:
        try:
            found = process.environ().get("XDG_STATE_HOME")
            return found == self.env["XDG_STATE_HOME"] and process.status() != "zombie"
        except psutil.Error:
            return False


KINDS = ("CONFIG", "STATE", "DATA", "CACHE")


def shared_engine() -> str:
    """The Python of the engine that tests share: the one a user of this machine would get."""
    return str(require_engine(settings.load()).python)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert isinstance(port, int)
    return port


def wait_until(what: str, condition: Any, timeout_s: float = 30.0) -> None:
    """Poll `condition` until it is true; a test fails with `what` otherwise."""
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline_s:
            raise AssertionError(f"not within {timeout_s:.0f} s: {what}")
        time.sleep(0.05)
