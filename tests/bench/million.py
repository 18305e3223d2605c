"""A batch of a million lines on the stub: what a line costs, and that memory does not grow."""

from __future__ import annotations

import os
from pathlib import Path

from tests.bench.ground import Ground
from tests.bench.job import chats, run_job
from tests.bench.measure import Figure, Table
from tests.support.stub import stub

LINES = int(os.environ.get("VCONSOLE_BENCH_LINES", "1000000"))
TOKENS = 32


def measure(ground: Ground) -> Table:
    folder = Path(ground.home.root) / "million"
    folder.mkdir()
    source = chats(folder / "in.jsonl", LINES, "stub", TOKENS)
    with stub() as url:
        ran = run_job(ground, folder, source, url)
    assert ran.progress.completed == LINES
    seen = ran.resident_mb
    return Table(
        "million",
        f"a batch of {LINES:,} lines on the stub, with checks, journal and fsync",
        (
            Figure("a line, everything in it", "ms CPU", (ran.cpu_s * 1e3 / LINES,), 0.15),
            Figure("all lines", "s CPU", (ran.cpu_s,), 180 * LINES / 1e6),
            Figure("resident memory, largest", "MB", (max(seen),), 150),
            Figure("its growth from a tenth on", "MB", (max(seen) - seen[len(seen) // 10],), 10),
            Figure("first request sent after", "s", (ran.progress.first_request_s or 0.0,), 2),
        ),
    )
