"""What is so, found by means of the tests' own: `/proc`, psutil and HTTP, nothing of vconsole."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import httpx
import psutil

from tests.support.home import Home

PARTS = {
    "API server": "vllm serve",
    "EngineCore": "::EngineCore",
    "Worker": "::Worker",
    "resource tracker": "multiprocessing.resource_tracker",
}
ZOMBIE = psutil.STATUS_ZOMBIE


def engine_processes(home: Home) -> list[psutil.Process]:
    """Every living process of a vLLM of this home, whoever its parent is now."""
    return [process for process in home.processes() if _part_of(process)]


def part(home: Home, name: str) -> psutil.Process | None:
    """The one process of that name, None while there is none."""
    found = [process for process in home.processes() if _part_of(process) == name]
    assert len(found) <= 1, f"{len(found)} times {name}"
    return found[0] if found else None


def supervisors(home: Home) -> list[psutil.Process]:
    return [
        process for process in home.processes() if "vconsole.supervisor" in _command_line(process)
    ]


def no_engine_is_left(home: Home, port: int) -> None:
    """No process of a server of this home lives, and nobody listens on its port."""
    assert engine_processes(home) == []
    assert not listens(port)


def one_whole_tree(home: Home) -> int:
    """Exactly one tree, whole and in one session; returns the pid of its API server."""
    leader = part(home, "API server")
    assert leader is not None
    assert part(home, "EngineCore")
    assert part(home, "Worker")
    strangers = [one for one in engine_processes(home) if os.getsid(one.pid) != leader.pid]
    assert strangers == []
    return leader.pid


def answers(url: str, model: str, timeout_s: float = 60) -> bool:
    """Whether the server completes a text."""
    body = {"model": model, "prompt": "Who are you?", "max_tokens": 4, "ignore_eos": True}
    try:
        answer = httpx.post(f"{url}/v1/completions", json=body, timeout=timeout_s)
    except httpx.HTTPError:
        return False
    return answer.status_code == 200 and answer.json()["usage"]["completion_tokens"] == 4


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def append(log: Path, line: str) -> None:
    """Append a line as the server does: at the end, whoever else writes."""
    with log.open("ab", buffering=0) as file:
        file.write(line.encode() + b"\n")


def _part_of(process: psutil.Process) -> str | None:
    line = _command_line(process)
    return next((name for name, sign in PARTS.items() if sign in line), None)


def _command_line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""
