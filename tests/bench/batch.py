"""A durable batch over HTTP beside vLLM's own offline `run-batch`, on the same requests."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

from tests.bench.ground import Ground
from tests.bench.job import chats, run_job
from tests.bench.measure import Figure, Table

# At 400 a second these take 22 s: with fewer nothing is left from the tenth second on.
REAL_REQUESTS = int(os.environ.get("VCONSOLE_BENCH_REQUESTS", "9000"))
ROUNDS, TOKENS = int(os.environ.get("VCONSOLE_BENCH_ROUNDS", "3")), 32
# tqdm's last line: `Running batch: 100% Completed | 1000/1000 [00:03<00:00, 280.1req/s]`.
PROGRESS = re.compile(r"(\d+)/\1 \[(?:(\d+):)?(\d+):(\d+)<")


def measure(ground: Ground) -> Table:
    return Table(
        "batch",
        f"{REAL_REQUESTS:,} chats of {TOKENS} tokens on the demo model: the durable batch from its "
        "tenth second on over HTTP, beside vllm run-batch's own progress rate, its start-up left "
        "out",
        tuple(beside_run_batch(ground)),
    )


def beside_run_batch(ground: Ground) -> list[Figure]:
    ground.serve()
    status = ground.client().status().server
    assert status.url is not None
    assert status.model is not None
    ours, theirs = [], []
    for number in range(ROUNDS):
        folder = Path(ground.home.root) / f"real-{number}"
        folder.mkdir()
        name = status.served_name or ""
        source = chats(folder / "in.jsonl", REAL_REQUESTS, name, TOKENS, number)
        ours.append(1e3 / run_job(ground, folder, source, status.url).steady_per_s)
        ground.home.run("stop")
        theirs.append(1e3 / run_batch_per_s(ground, source, folder, status.model))
        ground.home.run("start")
    return [
        Figure("vllm run-batch, one request", "ms", tuple(theirs)),
        Figure(
            "durable batch, one request",
            "ms",
            tuple(ours),
            sorted(theirs)[len(theirs) // 2],
            "vllm run-batch, one request",
        ),
    ]


def run_batch_per_s(ground: Ground, source: Path, folder: Path, model: str) -> float:
    """Requests a second by `vllm run-batch`'s own progress line."""
    command = [ground.environment["VCONSOLE_ENGINE"], "-m", "vllm.entrypoints.openai.run_batch"]
    command += ["-i", str(source), "-o", str(folder / "offline.jsonl"), "--model", model]
    named = json.loads(source.open().readline())["body"]["model"]
    command += ["--served-model-name", named, "--enforce-eager"]
    ran = subprocess.run(
        command, env=ground.environment, capture_output=True, text=True, timeout=600, check=False
    )
    found = PROGRESS.findall(ran.stderr + ran.stdout)
    if not found:
        raise RuntimeError(f"run-batch said no progress: {ran.stderr[-2000:]}")
    count, hours, minutes, seconds = found[-1]
    return int(count) / max(1, int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds))
