"""A standby on a real engine: quick, the same answers, and a server like any other."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import httpx
import psutil
import pytest

from tests.faults import facts
from tests.support.home import Home, free_port, wait_until

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory, engine_python: str) -> Iterator[Home]:
    home = Home(tmp_path_factory.mktemp("standby"), engine_python)
    home.env["VCONSOLE_SERVER_STANDBY"] = "1"
    try:
        ran = home.run("start", "demo-lark", "--port", str(free_port()))
        assert ran.code == 0, ran.err
        yield home
    finally:
        home.close()


def waiting_pid(home: Home) -> int:
    """The pid of the standby, once it waits."""

    def waits() -> bool:
        standby = home.status()["server"]["standby"]
        return bool(standby and standby["ready_s"])

    wait_until("a standby that waits", waits, 240)
    standby = home.status()["server"]["standby"]
    assert standby["memory_bytes"] > 100 << 20
    assert isinstance(standby["pid"], int)
    return standby["pid"]


def answer(url: str, model: str) -> str:
    """What the model says without any chance in it."""
    messages = [{"role": "user", "content": "Who are you?"}]
    body = {"model": model, "messages": messages, "temperature": 0, "max_tokens": 60}
    answered = httpx.post(f"{url}/v1/chat/completions", json=body, timeout=60)
    text = answered.raise_for_status().json()["choices"][0]["message"]["content"]
    assert isinstance(text, str)
    return text


def test_a_swap_by_standby_is_quick_and_answers_as_a_cold_start_does(day: Home) -> None:
    cold = day.status()["server"]
    said = answer(cold["url"], "demo-lark")
    for model in ("demo-owl", "demo-lark"):
        pid = waiting_pid(day)
        page = day.status()
        assert pid not in {one["pid"] for one in (*page["foreign"], *page["strays"])}
        ran = day.run("swap", model, "--json")
        assert ran.code == 0, ran.err
        server = day.status()["server"]
        assert server["pid"] == pid
        assert server["ready_s"] < cold["ready_s"] / 2
        assert facts.one_whole_tree(day) == pid
    assert answer(cold["url"], "demo-lark") == said


def test_its_processes_carry_the_tag_and_the_next_supervisor_adopts_it(day: Home) -> None:
    before = day.status()
    record = (day.state / "servers" / "main" / "record.json").read_text()
    for process in facts.engine_processes(day):
        tag = process.environ()["VCONSOLE_RUN"]
        assert tag in record
    os.kill(before["supervisor"]["pid"], signal.SIGKILL)
    assert day.run("smoke").code == 0
    after = day.status()["server"]
    assert (after["pid"], after["adopted"]) == (before["server"]["pid"], True)


@pytest.mark.long
def test_a_standby_that_died_makes_way_for_a_cold_start(day: Home) -> None:
    assert day.run("restart").code == 0
    pid = waiting_pid(day)
    psutil.Process(pid).kill()
    ran = day.run("swap", "demo-owl", "--json", timeout_s=240)
    assert ran.code == 0, ran.err
    assert facts.one_whole_tree(day) == day.status()["server"]["pid"] != pid


def test_a_stop_leaves_neither_server_nor_standby(day: Home) -> None:
    waiting_pid(day)
    assert day.run("stop").code == 0
    left = [one for one in day.processes() if "standby.py" in " ".join(one.cmdline())]
    assert left == []
    facts.no_engine_is_left(day, day.status()["server"]["port"])
    assert day.status()["server"]["standby"] is None
