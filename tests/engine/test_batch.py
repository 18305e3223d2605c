"""Batches on a real vLLM: every answer once, counted by the server itself, whoever dies."""

from __future__ import annotations

import asyncio
import json
import random
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.batch.conftest import lines_of
from tests.batch.ordeal import Ordeal
from tests.conftest import Served
from tests.support.home import Home, free_port, wait_until
from vconsole.engine.http.client import EngineClient
from vconsole.engine.metrics.exposition import parse
from vconsole.engine.metrics.figures import Scrape

pytestmark = pytest.mark.engine


def write_completions(path: Path, count: int, tokens: int) -> Path:
    with path.open("w") as file:
        for number in range(count):
            body = {"prompt": f"The lark number {number}", "max_tokens": tokens, "ignore_eos": True}
            line = {"custom_id": f"r{number}", "method": "POST", "url": "/v1/completions"}
            file.write(json.dumps(line | {"body": body}) + "\n")
    return path


def scraped(url: str) -> Scrape:
    async def look() -> Scrape:
        async with EngineClient(url) as client:
            return parse(await client.metrics())

    return asyncio.run(look())


def finished(url: str) -> float:
    """What the server counts as answered in full: without what its client gave up."""
    by_reason = scraped(url).finished_by_reason
    return by_reason["stop"] + by_reason["length"]


def job_of(home: Home, job_id: str) -> dict[str, Any]:
    return home.run("batch", "show", job_id, "--json").data


def begun(home: Home, source: Path, output: Path) -> str:
    ran = home.run("batch", "run", str(source), "-o", str(output), "--detach", "--json")
    assert ran.code == 0, ran.err
    return str(ran.data["job"])


def assert_whole(output: Path, count: int) -> None:
    lines = lines_of(output)
    assert sorted(line["custom_id"] for line in lines) == sorted(f"r{n}" for n in range(count))
    assert all(line["response"]["body"]["choices"][0]["text"] for line in lines)


def test_the_server_counts_as_many_requests_as_the_batch(
    engine_server: Served, tmp_path: Path
) -> None:
    home, url, output = engine_server.home, engine_server.url, tmp_path / "out.jsonl"
    source = write_completions(tmp_path / "in.jsonl", 120, 8)
    with source.open("a") as file:
        file.write('{"custom_id": "long", "url": "/v1/completions", "body": {"prompt": "')
        file.write("word " * 9000 + '", "max_tokens": 5}}\n')
    before = finished(url)
    ran = home.run("batch", "run", str(source), "-o", str(output), "--json")
    assert ran.code == 1, ran.err
    assert (ran.data["completed"], ran.data["failed"]) == (120, 1)
    assert ran.data["failures"] == {"too_long": 1}
    assert ran.data["generation_tokens"] == 120 * 8
    assert ran.data["truncated"] == 120
    assert finished(url) - before == 120
    assert_whole(output, 120)


def test_prompts_become_chats_and_their_answers_stand_beside_them(
    engine_server: Served, tmp_path: Path
) -> None:
    source, join = tmp_path / "in.csv", tmp_path / "joined.jsonl"
    source.write_text("name,word\nada,hello\nbob,bye\n")
    ran = engine_server.home.run(
        *("batch", "run", str(source), "-o", str(tmp_path / "out.jsonl"), "--json"),
        *("--template", "Say {word}", "--max-tokens", "6", "--join", str(join)),
    )
    assert ran.code == 0, ran.err
    assert [(row["name"], bool(row["answer"])) for row in lines_of(join)] == [
        ("ada", True),
        ("bob", True),
    ]


def test_deaths_of_job_and_supervisor_lose_and_repeat_nothing(
    engine_server: Served, tmp_path: Path
) -> None:
    """The server's own death is among the ten that `make faults` brings about."""
    chance, source = random.Random(6), write_completions(tmp_path / "in.jsonl", 800, 24)
    ordeal = Ordeal(engine_server.home, source, 800, engine_server.url)
    for number in range(6):
        ordeal.gets_on(chance)
        if number % 2:
            ordeal.kill_job()
        else:
            ordeal.kill_supervisor()
        ordeal.check()
    ordeal.end()


@pytest.mark.long
def test_a_batch_outlives_its_server_and_a_restart(home: Home, tmp_path: Path) -> None:
    started = home.run("start", "demo", "--json", "--port", str(free_port()))
    assert started.code == 0, started.err
    output = tmp_path / "out.jsonl"
    job_id = begun(home, write_completions(tmp_path / "in.jsonl", 1000, 32), output)
    wait_until("it gets on", lambda: output.exists() and output.stat().st_size > 20_000, 120)
    psutil.Process(home.status()["server"]["pid"]).kill()
    wait_until("it waits", lambda: job_of(home, job_id)["state"] == "waiting", 60)
    wait_until("it goes on", lambda: job_of(home, job_id)["state"] == "running", 300)
    size = output.stat().st_size
    wait_until("it gets on", lambda: output.stat().st_size > size + 20_000, 240)
    assert home.run("restart").code == 0
    wait_until("it is done", lambda: job_of(home, job_id)["state"] == "done", 400)
    assert job_of(home, job_id)["failed"] == 0
    assert_whole(output, 1000)
