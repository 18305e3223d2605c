"""How long it takes to say why, from a log of ten thousand lines."""

from __future__ import annotations

import time
from pathlib import Path

from tests.bench.ground import Ground
from tests.bench.measure import Figure, Table
from vconsole.engine.log.failures import diagnose

ROUNDS = 15
LINES = 10_000
GOAL_MS = 50.0
RECORDINGS = Path(__file__).parents[1] / "unit" / "data" / "failures"


def measure(ground: Ground) -> Table:
    """Needs no server; a recorded death at the end of a long, busy life."""
    death = (RECORDINGS / "engine_core_killed.log").read_text().split("\n")
    lines = [death[0], *_busy_life(LINES - len(death)), *death[1:]]
    took = []
    for _ in range(ROUNDS):
        begun_s = time.perf_counter()
        diagnose(lines)
        took.append((time.perf_counter() - begun_s) * 1000)
    return Table(
        "diagnosis",
        f"{LINES:,} lines of a server that served and died",
        (Figure("diagnose", "ms", tuple(took), GOAL_MS),),
    )


def _busy_life(count: int) -> list[str]:
    return [
        f'(APIServer pid=1) INFO:     127.0.0.1:{at} - "POST /v1/completions HTTP/1.1" 200 OK'
        for at in range(count)
    ]
