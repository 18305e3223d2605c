"""How long the one-key check takes on the demo model, in the supervisor and as a command."""

from __future__ import annotations

import time

from tests.bench.ground import Ground
from tests.bench.measure import Figure, Table

ROUNDS = 5
GOAL_S = 5.0


def measure(ground: Ground) -> Table:
    ground.serve()
    checks, commands = [], []
    for _ in range(ROUNDS):
        begun_s = time.perf_counter()
        ran = ground.home.run("smoke", "--json")
        commands.append(time.perf_counter() - begun_s)
        if ran.code:
            raise RuntimeError(f"the smoke test did not pass: {ran.out}{ran.err}")
        checks.append(float(ran.data["seconds"]))
    return Table(
        "smoke",
        "the demo model on the CPU build of vLLM",
        (
            Figure("smoke test", "s", tuple(checks), GOAL_S),
            Figure("vconsole smoke, the whole command", "s", tuple(commands), None, "smoke test"),
        ),
    )
