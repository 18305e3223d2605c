"""Deaths of job, supervisor and server under a batch on a real vLLM."""

from __future__ import annotations

import json
import random
from functools import partial
from pathlib import Path

import psutil
import pytest

from tests.batch.ordeal import LONG_S, Ordeal
from tests.faults import facts
from tests.faults.conftest import Row
from tests.support.home import Home, free_port, wait_until

pytestmark = [pytest.mark.engine, pytest.mark.fault_matrix]

REQUESTS, TOKENS = 2_000, 24
DEATHS = ("job",) * 4 + ("supervisor",) * 3 + ("API server", "EngineCore", "API server")


def test_ten_deaths_under_a_batch(home: Home, tmp_path: Path, row: Row) -> None:
    row.title = "10 deaths under a batch: job, supervisor, server"
    row.expected = "each request answered once, the server's own count agrees"
    chance = random.Random(10)
    started = home.run("start", "demo", "--json", "--port", str(free_port()), timeout_s=LONG_S)
    assert started.code == 0, started.err
    source, url = write_completions(tmp_path / "in.jsonl"), str(started.data["url"])
    ordeal, deaths = Ordeal(home, source, REQUESTS, url), list(DEATHS)
    chance.shuffle(deaths)
    for who in deaths:
        ordeal.gets_on(chance)
        match who:
            case "job":
                ordeal.kill_job()
            case "supervisor":
                ordeal.kill_supervisor()
            case _:
                before = part(home, "API server").pid
                ordeal.kill_server(part(home, who).kill)
                wait_until("another serves", partial(serves_anew, home, before), LONG_S)
        ordeal.check()
    ordeal.end()
    row.seen = f"{REQUESTS:,} lines, ids and answers counted after each"


def write_completions(path: Path) -> Path:
    with path.open("w") as file:
        for number in range(REQUESTS):
            body = {"prompt": f"The lark {number}", "max_tokens": TOKENS, "ignore_eos": True}
            line = {"custom_id": f"r{number}", "url": "/v1/completions", "body": body}
            file.write(json.dumps(line) + "\n")
    return path


def part(home: Home, who: str) -> psutil.Process:
    found = facts.part(home, who)
    assert found is not None
    return found


def serves_anew(home: Home, before: int) -> bool:
    """The page may call a server ready for a moment that has just died."""
    server = home.status()["server"]
    return bool(server["state"] == "ready" and server["pid"] != before)
