"""Starts and swaps of the demo models, beside a bare `vllm serve` of the same command line."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import suppress
from typing import Any

import httpx

from tests.bench.ground import Ground
from tests.bench.measure import Figure, Table
from tests.support.home import Home, free_port, wait_until

ROUNDS = 3
BARE = "bare vllm serve, until it answers"
ADDED = "what vconsole adds to a swap"
ADDED_GOAL_S = 2.0
# Steps that are the engine's own: it drains, loads or wakes, and answers the smoke test.
ENGINES_OWN = frozenset({"drain and stop", "drain and sleep", "start", "wake", "smoke test"})
STANDBY_PATIENCE_S = 300.0


def measure(ground: Ground) -> Table:
    """Rounds of the same: cold, then by standby, then by waking, then a bare server."""
    taken: dict[str, list[float]] = {}

    def note(name: str, seconds: float) -> None:
        taken.setdefault(name, []).append(seconds)
        print(f"  {name}: {seconds:.1f} s", file=sys.stderr, flush=True)

    home = Home(ground.home.root / "swaps", ground.home.env["VCONSOLE_ENGINE"])
    home.env.pop("PYTHONDONTWRITEBYTECODE", None)
    try:
        for _ in range(ROUNDS):
            _round(home, note)
    finally:
        home.close()
    goals = {ADDED: ADDED_GOAL_S, f"{ADDED}, by waking": ADDED_GOAL_S}
    return Table(
        "swap",
        "demo models on the CPU build of vLLM, eager; swaps are from the request to the passed "
        "smoke test, the old server idle; a CPU engine that sleeps is paused and keeps its memory",
        tuple(
            Figure(name, "s", tuple(values), goals.get(name), None if name == BARE else BARE)
            for name, values in sorted(taken.items(), key=lambda one: one[0] != BARE)
        ),
    )


def _round(home: Home, note: Any) -> None:
    _set(home, standby=False, sleeping_models=0)
    ran = home.run("start", "demo-lark", "--json", "--port", str(free_port()))
    _require(ran)
    note("cold start", float(ran.data["ready_s"]))
    command = home.status()["server"]["command"]
    swapped = _swap(home, "demo-owl")
    note("swap", swapped["seconds"])
    note(ADDED, _added_s(swapped))
    _set(home, standby=True, sleeping_models=0)
    note("swap back", _swap(home, "demo-lark")["seconds"])
    _by_standby(home, note)
    # Who is to sleep has to have been started for it, so that two starts come first.
    _set(home, standby=False, sleeping_models=1)
    for model in ("demo-owl", "demo-lark"):
        _swap(home, model)
    for name, model in (("swap", "demo-owl"), ("swap back", "demo-lark")):
        woken = _swap(home, model)
        note(f"{name}, by waking", woken["seconds"])
    note(f"{ADDED}, by waking", _added_s(woken))
    _require(home.run("stop"))
    note(BARE, _bare(home, command))


def _by_standby(home: Home, note: Any) -> None:
    for name, model in (("swap", "demo-owl"), ("swap back", "demo-lark")):
        wait_until("a standby", lambda: _waits(home), STANDBY_PATIENCE_S)
        note(f"{name}, by standby", _swap(home, model)["seconds"])
        if name == "swap":
            note("start by standby", home.status()["server"]["ready_s"])


def _set(home: Home, *, standby: bool, sleeping_models: int) -> None:
    """Write the settings, which the supervisor reads at each start and swap."""
    place = home.root / "config" / "vconsole" / "config.toml"
    place.parent.mkdir(parents=True, exist_ok=True)
    lines = f"standby = {str(standby).lower()}\nsleeping_models = {sleeping_models}\n"
    place.write_text(f"[server]\n{lines}")


def _swap(home: Home, model: str) -> dict[str, Any]:
    ran = home.run("swap", model, "--json", timeout_s=300)
    _require(ran)
    return ran.data


def _added_s(swap: dict[str, Any]) -> float:
    own: float = sum(step["seconds"] for step in swap["steps"] if step["name"] in ENGINES_OWN)
    whole: float = swap["seconds"]
    return whole - own


def _waits(home: Home) -> bool:
    standby = home.status()["server"]["standby"]
    return bool(standby and standby["ready_s"])


def _bare(home: Home, command: list[str]) -> float:
    """Seconds from the spawn of the very same command until it answers."""
    port = command[command.index("--port") + 1]
    environment = {key: value for key, value in home.env.items() if not key.startswith("VCONSOLE")}
    environment |= {"VLLM_NO_USAGE_STATS": "1"}
    begun_s = time.perf_counter()
    child = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_until("a bare server", lambda: _healthy(port), 300)
        return time.perf_counter() - begun_s
    finally:
        child.terminate()
        child.wait(60)


def _healthy(port: str) -> bool:
    with suppress(httpx.HTTPError):
        return httpx.get(f"http://127.0.0.1:{port}/health", timeout=2).status_code == 200
    return False


def _require(ran: Any) -> None:
    if ran.code:
        raise RuntimeError(ran.err)
