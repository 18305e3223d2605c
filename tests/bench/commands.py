"""What a command costs: mostly imports, so it stands beside bare Python and three imports."""

from __future__ import annotations

from functools import partial

from tests.bench.ground import Ground
from tests.bench.measure import Figure, Table, interleaved, run_child

ROUNDS = 15
BARE = "python -c pass"
GOALS_MS = {"vconsole --version": 100.0, "vconsole status": 250.0}


def measure(ground: Ground) -> Table:
    """Wall and CPU time from spawn to end; `status` is attached to a running supervisor."""
    ground.serve()
    commands = {
        BARE: ground.python("-c", "pass"),
        "python, import argparse": ground.python("-c", "import argparse"),
        "python, import httpx": ground.python("-c", "import httpx"),
        "python, import aiohttp": ground.python("-c", "import aiohttp"),
        "vconsole --version": ground.command("--version"),
        "vconsole --help": ground.command("--help"),
        "vconsole status": ground.command("status"),
    }
    spent = interleaved(
        {name: partial(run_child, line, ground.environment) for name, line in commands.items()},
        ROUNDS,
    )
    wall = (
        Figure(name, "ms", tuple(s.wall_ms for s in runs), GOALS_MS.get(name), _anchor(name, ""))
        for name, runs in spent.items()
    )
    cpu = (
        Figure(f"{name}, CPU", "ms", tuple(s.cpu_ms for s in runs), None, _anchor(name, ", CPU"))
        for name, runs in spent.items()
    )
    return Table("commands", "wall time from spawn to end, and CPU time", (*wall, *cpu))


def _anchor(name: str, suffix: str) -> str | None:
    return None if name == BARE else BARE + suffix
