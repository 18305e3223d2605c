"""A batch beside somebody who waits for an answer, on a real vLLM."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.batch.conftest import lines_of, spec_of, until
from tests.conftest import Served
from vconsole.engine.http.client import EngineClient
from vconsole.engine.metrics.exposition import parse
from vconsole.requests.batch.model import Directive, Phase, Progress
from vconsole.requests.batch.runner import Run
from vconsole.requests.transport import Transport
from vconsole.supervisor.jobs.directing import BEHIND_OTHERS

pytestmark = pytest.mark.engine

REQUESTS, AT_ONCE, TOKENS = 700, 400, 64


def write_completions(path: Path) -> Path:
    with path.open("w") as file:
        for number in range(REQUESTS):
            prompt = f"The lark said {number}"
            body = {"prompt": prompt, "max_tokens": TOKENS, "ignore_eos": True}
            line = {"custom_id": f"r{number}", "url": "/v1/completions", "body": body}
            file.write(json.dumps(line) + "\n")
    return path


async def waiting_at(url: str) -> float:
    async with EngineClient(url) as client:
        return parse(await client.metrics()).requests_waiting or 0.0


async def test_who_waits_for_an_answer_goes_before_the_batchs_line(
    engine_server: Served, tmp_path: Path
) -> None:
    """More requests than run at once make a line, which a request of a person does not join."""
    url, ended = engine_server.url, [False]
    spec = spec_of(write_completions(tmp_path / "in.jsonl"), tmp_path / "o.jsonl", concurrency=400)

    def told() -> Directive:
        return Directive(url, cancelled=ended[0], priority=BEHIND_OTHERS)

    run = Run(spec, told, lambda _: None)
    running = asyncio.create_task(run.run())
    line = 0.0
    while line < AT_ONCE / 4:
        line = await waiting_at(url)
    before = run.progress().completed
    async with Transport(url) as transport:
        body: dict[str, Any] = {"model": engine_server.served_name, "prompt": "A", "max_tokens": 1}
        answer = await transport.post("/v1/completions", json.dumps(body).encode(), 120)
    overtaken_by = run.progress().completed - before
    ended[0] = True
    done: Progress = await asyncio.wait_for(running, 120)
    assert answer.status == 200
    # Behind that line it would have waited until as many had been answered.
    assert overtaken_by < line
    assert (done.phase, done.failed, done.retries) == (Phase.CANCELLED, 0, 0)
    assert len(lines_of(tmp_path / "o.jsonl")) == done.completed


async def test_a_job_on_a_server_of_ours_is_told_to_let_others_go_first(
    engine_server: Served, tmp_path: Path
) -> None:
    home = engine_server.home
    source, output = write_completions(tmp_path / "in.jsonl"), tmp_path / "out.jsonl"
    ran = home.run("batch", "run", str(source), "-o", str(output), "--detach", "--json")
    assert ran.code == 0, ran.err
    told = home.state / "jobs" / ran.data["job"] / "directive.json"
    await until(told.exists)
    home.run("batch", "cancel", ran.data["job"])
    assert json.loads(told.read_text())["priority"] == BEHIND_OTHERS
