"""What a request costs the client: our transport beside aiohttp and vLLM's own load generator.

All against the stub in C, in turn.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial
from statistics import median

from tests.bench.ground import Ground
from tests.bench.measure import Figure, Table, interleaved
from tests.bench.rival_client import streams_per_s
from tests.support.stub import stub

ROUNDS = int(os.environ.get("VCONSOLE_BENCH_ROUNDS", "3"))
REQUESTS, STREAMS, AT_ONCE, CHUNKS = 60_000, 20_000, 64, 64
RIVAL_STREAMS, TIMES_AS_FAST = 5_000, 5
PLAIN_GOAL_MS, STREAM_GOAL_MS = 0.15, 0.35
RIVAL = "vllm bench serve, one stream"


def measure(ground: Ground) -> Table:
    with stub("--chunks", str(CHUNKS)) as url:
        clients = {
            f"{client} {kind}": partial(run_client, ground, client, kind, url)
            for kind in ("plain", "stream")
            for client in ("vconsole", "aiohttp")
        }
        taken = interleaved({**clients, RIVAL: partial(run_rival, ground, url)}, ROUNDS)
    figures = []
    rival_us = tuple(1e6 / one["per_s"] for one in taken[RIVAL])
    for name in clients:
        seen = taken[name]
        ours = name.startswith("vconsole")
        goal = (PLAIN_GOAL_MS if "plain" in name else STREAM_GOAL_MS) if ours else None
        anchor = None if ours else name.replace("aiohttp", "vconsole")
        cpu = tuple(one["cpu_ms"] for one in seen)
        figures.append(Figure(name, "ms CPU", cpu, goal, anchor))
    ours_us = tuple(1e6 / one["per_s"] for one in taken["vconsole stream"])
    goal_us = median(rival_us) / TIMES_AS_FAST
    figures.append(Figure(RIVAL, "µs", rival_us))
    figures.append(Figure("vconsole, one stream", "µs", ours_us, goal_us, RIVAL))
    return Table(
        "client",
        f"{AT_ONCE} at once against the stub, uvloop for both; streams of {CHUNKS} chunks, each "
        "parsed as JSON; the goal of the last line is five times the rate of vllm bench serve",
        tuple(figures),
    )


def run_rival(ground: Ground, url: str) -> dict[str, float]:
    return {"per_s": streams_per_s(ground, url, RIVAL_STREAMS, AT_ONCE, CHUNKS)}


def run_client(ground: Ground, client: str, kind: str, url: str) -> dict[str, float]:
    count = REQUESTS if kind == "plain" else STREAMS
    module = ("-m", "tests.bench.client_process")
    ran = subprocess.run(
        [sys.executable, *module, client, kind, url, str(count), str(AT_ONCE)],
        env=ground.environment,
        capture_output=True,
        check=True,
        text=True,
    )
    found = json.loads(ran.stdout)
    assert isinstance(found, dict)
    return found
