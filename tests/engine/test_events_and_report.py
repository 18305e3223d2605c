"""Events, samples and the report of a real server, and what a killed supervisor costs them."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import time
from datetime import datetime
from typing import Any

import httpx
import pytest

from tests.conftest import Served
from tests.support.home import Home, free_port, wait_until
from vconsole.engine.metrics.exposition import parse
from vconsole.supervisor.client import SupervisorClient
from vconsole.supervisor.telling.event import EventQuery

pytestmark = pytest.mark.engine


def events_of(home: Home, *options: str) -> list[dict[str, Any]]:
    ran = home.run("events", "--json", *options)
    assert ran.code == 0, ran.err
    return [json.loads(line) for line in ran.out.splitlines()]


def report_of(home: Home) -> dict[str, Any]:
    return home.run("report", "--since", "1h", "--json").data


def requests_of(home: Home) -> int:
    found = report_of(home)["served"]["requests"]
    assert isinstance(found, int)
    return found


def test_requests_and_tokens_are_in_the_report(served: Served) -> None:
    before = report_of(served.home)["served"]
    for _ in range(3):
        assert served.home.run("ask", "Who are you?", "--max-tokens", "5").code == 0
    wait_until(
        "three requests more",
        lambda: requests_of(served.home) == before["requests"] + 3,
        10,
    )
    after = report_of(served.home)["served"]
    assert after["finished"]["length"] - before["finished"].get("length", 0) == 3
    assert after["generation_tokens"] - before["generation_tokens"] == 15
    assert after["prompt_tokens"] > before["prompt_tokens"]
    wait_until("time served", lambda: report_of(served.home)["served"]["serving_s"] > 0, 10)


def test_the_start_and_a_smoke_test_are_events(served: Served) -> None:
    assert served.home.run("smoke").code == 0
    found = events_of(served.home, "--since", "1h")
    states = [e["data"]["state"] for e in found if e["kind"] == "state" and e["server"] == "main"]
    assert states[:2] == ["starting", "ready"]
    assert any(e["kind"] == "smoke" and e["data"]["passed"] for e in found)
    assert [e["id"] for e in found] == sorted({e["id"] for e in found})
    only = events_of(served.home, "--kind", "smoke")
    assert {e["kind"] for e in only} == {"smoke"}
    assert "smoke test passed" in served.home.run("events").out


def test_a_follower_hears_of_what_comes(served: Served) -> None:
    follower = served.home.popen("events", "-f", "-n", "0", "--kind", "smoke")
    try:
        time.sleep(1.0)
        served.home.run("smoke")
        assert follower.stdout is not None
        assert "smoke test passed" in follower.stdout.readline()
    finally:
        follower.kill()
        follower.communicate()


def test_wrong_questions_are_usage_errors(served: Served) -> None:
    for wrong in (["--since", "yesterdayish"], ["--since", "2999-01-01"], ["--kind", "nonsense"]):
        ran = served.home.run("events", *wrong)
        assert ran.code == 2
        assert "hint: " in ran.err
        assert "Traceback" not in ran.err


def test_history_is_folded_to_the_points_asked_for(served: Served) -> None:
    client = SupervisorClient(served.home.socket)
    wait_until("ten seconds of samples", lambda: len(client.history("main", 600)) >= 10)
    folded = client.history("main", 7 * 86_400, points=5)
    assert 1 <= len(folded) <= 5
    assert folded[-1].kv_cache_usage is not None


@pytest.mark.long
def test_a_killed_supervisor_loses_no_event_and_only_seconds_of_samples(home: Home) -> None:
    assert home.run("start", "demo", "--port", str(free_port())).code == 0
    assert home.run("ask", "Who are you?", "--max-tokens", "5").code == 0
    client = SupervisorClient(home.socket)
    wait_until("samples on the disk", lambda: stored_samples(home) >= 5, 25)
    assert home.run("smoke").code == 0
    wait_until("all is counted", lambda: requests_of(home) == counted_by_vllm(home), 10)
    served_before = requests_of(home)
    kept, events = client.history("main", 3600), client.events(EventQuery())
    os.kill(client.info().pid or 0, signal.SIGKILL)
    wait_until("it is gone", lambda: not home.status()["supervisor"]["alive"])

    without = events_of(home)
    assert [e["id"] for e in without] == [e.id for e in events]
    assert requests_of(home) == served_before >= 6

    assert home.run("ask", "Who are you?", "--max-tokens", "5").code == 0
    wait_until("the one more request", lambda: requests_of(home) == served_before + 1, 10)
    assert requests_of(home) == counted_by_vllm(home)
    again = client.history("main", 3600)
    missing = [s for s in kept if s.at not in {one.at for one in again}]
    assert len(missing) <= 12
    assert again[0].at == kept[0].at
    told = [e.text for e in client.events(EventQuery(kinds=("supervisor",)))]
    assert told[-2] == "supervisor started; the one before it was killed"
    assert told[-1].startswith("adopted")
    assert home.run("supervisor", "stop").code == 0
    left = events_of(home, "--kind", "supervisor")[-1]
    assert left["text"] == "supervisor left; still running: main"
    assert datetime.fromisoformat(left["at"]).tzinfo is not None


def counted_by_vllm(home: Home) -> float | None:
    """Requests as the server itself counts them since its start."""
    body = httpx.get(f"{home.status()['server']['url']}/metrics", timeout=10).content
    return parse(body).requests_finished


def stored_samples(home: Home) -> int:
    with sqlite3.connect(f"file:{home.state}/history.sqlite?mode=ro", uri=True) as connection:
        (count,) = connection.execute("SELECT count(*) FROM seconds").fetchone()
    connection.close()
    assert isinstance(count, int)
    return count
