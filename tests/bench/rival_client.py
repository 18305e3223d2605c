"""`vllm bench serve`, run as its own users run it, against a server of ours."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.bench.ground import Ground
from vconsole.models.demo import demo_folder


def streams_per_s(ground: Ground, url: str, count: int, at_once: int, tokens: int) -> float:
    """Requests a second by its own result, its start-up left out: streams of so many tokens."""
    python = Path(ground.environment["VCONSOLE_ENGINE"])
    result = Path(ground.home.root) / "bench-serve.json"
    command = [str(python.with_name("vllm")), "bench", "serve", "--base-url", url]
    command += ["--backend", "openai-chat", "--endpoint", "/v1/chat/completions"]
    command += ["--model", "stub", "--tokenizer", str(demo_folder("demo")), "--disable-tqdm"]
    command += ["--dataset-name", "random", "--random-input-len", "20", "--ignore-eos"]
    command += ["--random-output-len", str(tokens), "--num-prompts", str(count)]
    command += ["--max-concurrency", str(at_once), "--ready-check-timeout-sec", "0"]
    command += ["--save-result", "--result-filename", str(result)]
    ran = subprocess.run(
        command, env=ground.environment, capture_output=True, text=True, timeout=600, check=False
    )
    if ran.returncode:
        raise RuntimeError(f"vllm bench serve failed: {ran.stderr[-2000:]}")
    found = json.loads(result.read_text())
    if found["completed"] < count:
        lost = f"{found['completed']} of {count} answered"
        raise RuntimeError(f"vllm bench serve: {lost}; {ran.stdout[-1000:]}")
    return float(found["request_throughput"])
