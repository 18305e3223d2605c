"""Models asleep, on a real engine: the CPU build, which pauses and keeps all of its memory."""

from __future__ import annotations

import json
import os
import signal
import stat
from collections.abc import Iterator
from typing import Any

import httpx
import psutil
import pytest

from tests.faults import facts
from tests.support.home import Home, Ran, free_port, wait_until

pytestmark = pytest.mark.engine
DEVELOPMENT = ("/is_sleeping", "/sleep", "/wake_up", "/collective_rpc", "/port/release")


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory, engine_python: str) -> Iterator[Home]:
    """A server that served demo-lark and serves demo-owl, while demo-lark sleeps."""
    home = Home(tmp_path_factory.mktemp("sleep"), engine_python)
    home.env["VCONSOLE_SERVER_SLEEPING_MODELS"] = "1"
    try:
        ran = home.run("start", "demo-lark", "--port", str(free_port()))
        assert ran.code == 0, ran.err
        assert swap(home, "demo-owl").code == 0
        yield home
    finally:
        home.close()


def swap(home: Home, model: str) -> Ran:
    return home.run("swap", "--json", model, timeout_s=240)


def server(home: Home) -> dict[str, Any]:
    found = home.status()["server"]
    assert isinstance(found, dict)
    return found


def asleep(home: Home) -> dict[str, int]:
    return {one["served_name"]: one["pid"] for one in server(home)["sleepers"]}


def step_names(ran: Ran) -> list[str]:
    return [step["name"] for step in ran.data["steps"]]


def answer(url: str, model: str) -> str:
    body = {"model": model, "prompt": "Who are", "temperature": 0, "max_tokens": 30}
    told = httpx.post(f"{url}/v1/completions", json=body, timeout=60).raise_for_status().json()
    text = told["choices"][0]["text"]
    assert isinstance(text, str)
    return text


def test_a_swap_back_wakes_the_very_process_and_it_answers_as_before(day: Home) -> None:
    (lark_pid,) = asleep(day).values()
    owl = server(day)
    said = answer(owl["url"], "demo-owl")
    ran = swap(day, "demo-lark")
    assert ran.code == 0, ran.err
    assert step_names(ran) == ["plan", "drain and sleep", "port free", "wake", "smoke test"]
    now = server(day)
    assert (now["state"], now["served_name"], now["pid"]) == ("ready", "demo-lark", lark_pid)
    assert now["url"] == owl["url"]
    assert asleep(day) == {"demo-owl": owl["pid"]}
    states = [one["state"] for one in now["transitions"][-3:]]
    assert states == ["stopping", "asleep", "ready"]
    assert "as before it slept" in now["transitions"][-1]["cause"]
    assert "asleep   demo-owl" in day.run("status").out
    page = day.status()
    assert owl["pid"] not in {one["pid"] for one in (*page["foreign"], *page["strays"])}
    assert swap(day, "demo-owl").code == 0
    assert answer(owl["url"], "demo-owl") == said


def test_the_public_port_has_none_of_the_development_routes(day: Home) -> None:
    now = server(day)
    for path in DEVELOPMENT:
        assert httpx.get(f"{now['url']}{path}").status_code == 404
        assert httpx.post(f"{now['url']}{path}").status_code == 404
    sockets = list((day.state / "servers" / "main").glob("*.sock"))
    assert len(sockets) == 2
    for found in sockets:
        assert stat.S_IMODE(found.stat().st_mode) == 0o600
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(found))) as private:
            told = private.get("http://server/is_sleeping").json()
            assert isinstance(told["is_sleeping"], bool)


def kill_the_supervisor(home: Home) -> None:
    os.kill(home.status()["supervisor"]["pid"], signal.SIGKILL)


def test_the_next_supervisor_finds_who_sleeps_and_wakes_it(day: Home) -> None:
    (lark_pid,) = asleep(day).values()
    kill_the_supervisor(day)
    ran = swap(day, "demo-lark")
    assert ran.code == 0, ran.err
    assert "wake" in step_names(ran)
    assert server(day)["pid"] == lark_pid


def begin_endless_batch(home: Home) -> str:
    """A job on demo-lark that nobody waits for: one long answer after another, for hours."""
    source, output = home.root / "in.jsonl", home.root / "out.jsonl"
    body = {"model": "demo-lark", "prompt": "Once", "max_tokens": 100, "ignore_eos": True}
    with source.open("w") as file:
        for number in range(20_000):
            line = {"custom_id": str(number), "method": "POST", "url": "/v1/completions"}
            file.write(json.dumps(line | {"body": body}) + "\n")
    more = ("--concurrency", "1", "--detach", "--json")
    ran = home.run("batch", "run", str(source), "-o", str(output), *more)
    assert ran.code == 0, ran.err
    wait_until("it works", lambda: output.exists() and output.stat().st_size > 0, 120)
    return str(ran.data["job"])


def shown(home: Home, job: str) -> tuple[str, int, str]:
    found = home.run("batch", "show", job, "--json").data
    return found["state"], found["done"], found["note"] or ""


def test_a_job_is_refused_paused_and_goes_on_with_its_model_whoever_dies(day: Home) -> None:
    assert server(day)["served_name"] == "demo-lark"
    job = begin_endless_batch(day)
    refused = day.run("swap", "demo-owl")
    assert refused.code == 5
    assert job in refused.err
    ran = day.run("swap", "--json", "demo-owl", "--jobs", "pause", timeout_s=240)
    assert ran.code == 0, ran.err
    assert "pause jobs" in step_names(ran)
    kill_the_supervisor(day)
    state, done, note = shown(day, job)
    assert (state, note) == ("paused", "paused until demo-lark is back")
    assert swap(day, "demo-lark").code == 0
    wait_until("the job goes on", lambda: shown(day, job)[1] > done, 120)

    wait_with_a_swap(day)
    assert day.run("swap", "--cancel").code == 0
    assert (steps_under_way(day), shown(day, job)[0]) == ([], "running")
    wait_with_a_swap(day)
    kill_the_supervisor(day)
    assert shown(day, job)[0] == "running"
    wait_until("the next one waits", lambda: steps_under_way(day)[-1:] == ["wait for jobs"], 60)
    assert server(day)["served_name"] == "demo-lark"
    assert day.run("batch", "cancel", job).code == 0
    wait_until("the swap", lambda: server(day)["served_name"] == "demo-owl", 120)
    wait_until("its end", lambda: server(day)["operation"] is None, 120)


def wait_with_a_swap(home: Home) -> None:
    """Ask for a swap that waits for the job, and see it wait."""
    ran = home.run("swap", "demo-owl", "--jobs", "wait", "--no-wait")
    assert ran.code == 0, ran.err
    wait_until("the swap waits", lambda: steps_under_way(home)[-1:] == ["wait for jobs"], 60)


def steps_under_way(home: Home) -> list[str]:
    swaps = [one for one in home.status()["operations"] if one["kind"] == "swap"]
    return [step["name"] for one in swaps if one["state"] == "running" for step in one["steps"]]


@pytest.mark.long
def test_a_wake_that_answers_otherwise_becomes_a_cold_start(day: Home) -> None:
    ((model, slept_pid),) = asleep(day).items()
    kill_the_supervisor(day)
    path = day.state / "servers" / "main" / "record.json"
    record = json.loads(path.read_text())
    record["sleepers"][0]["said"] = "what it never said"
    path.write_text(json.dumps(record))
    ran = swap(day, model)
    assert ran.code == 0, ran.err
    tried = [(step["name"], step["ok"]) for step in ran.data["steps"]]
    assert ("wake", False) in tried
    assert ("start", True) in tried
    assert server(day)["pid"] != slept_pid
    assert not psutil.pid_exists(slept_pid)
    assert "did not wake as it was" in day.run("events", "--kind", "swap").out


def test_a_stop_leaves_neither_server_nor_sleeper(day: Home) -> None:
    port = server(day)["port"]
    assert asleep(day)
    assert day.run("stop").code == 0
    facts.no_engine_is_left(day, port)
    now = server(day)
    assert (now["state"], now["sleepers"]) == ("stopped", [])
    assert list((day.state / "servers" / "main").glob("*.sock")) == []
