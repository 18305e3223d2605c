"""The life of one real server under the hands that may befall it, in the order of a day."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import psutil
import pytest

from tests.support.home import Home, free_port, wait_until

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory, engine_python: str) -> Iterator[Home]:
    home = Home(tmp_path_factory.mktemp("day"), engine_python)
    yield home
    home.close()


def test_a_wrong_path_is_a_clear_error_and_the_supervisor_lives(day: Home) -> None:
    ran = day.run("start", "/no/such/model", "--json")
    assert ran.code == 1
    assert "/no/such/model" in ran.data["error"]["message"]
    assert "Traceback" not in ran.err
    assert day.status()["supervisor"]["alive"] is True


def test_without_a_server_what_needs_one_says_so(day: Home) -> None:
    for command in (["ask", "hello"], ["smoke"], ["stop"], ["logs"]):
        assert day.run(*command).code == 3, command


def test_of_two_starts_at_once_one_wins_and_one_says_so(day: Home) -> None:
    port = str(free_port())
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: day.run("start", "demo", "--json", "--port", port), "ab"))
    assert sorted(ran.code for ran in both) == [0, 5]
    refused = next(ran for ran in both if ran.code == 5)
    assert refused.data["error"]["kind"] in {"busy", "already_running"}
    assert httpx.get(f"http://127.0.0.1:{port}/health", timeout=5).status_code == 200


def test_the_supervisor_killed_leaves_the_server_and_the_next_adopts_it(day: Home) -> None:
    before = day.status()
    os.kill(before["supervisor"]["pid"], signal.SIGKILL)
    wait_until("the supervisor is gone", lambda: not day.status()["supervisor"]["alive"])
    recorded = day.status()["server"]
    assert recorded["state"] == "ready"
    assert day.run("ask", "Who are you?").code == 0
    after = day.status()
    assert after["server"]["pid"] == before["server"]["pid"]
    assert after["server"]["started_at"] == before["server"]["started_at"]
    assert after["server"]["adopted"] is True
    assert after["supervisor"]["pid"] != before["supervisor"]["pid"]


def test_a_supervisor_that_leaves_keeps_its_server(day: Home) -> None:
    pid = day.status()["server"]["pid"]
    assert day.run("supervisor", "stop").code == 0
    assert psutil.pid_exists(pid)
    assert day.run("smoke").code == 0


def test_two_supervisors_never_run(day: Home) -> None:
    ran = day.run("supervisor", "run", timeout_s=20)
    assert ran.code == 5
    assert "another supervisor" in ran.err


def test_stop_leaves_no_process_and_a_free_port(day: Home) -> None:
    server = day.status()["server"]
    tree = [p for p in day.processes() if os.getsid(p.pid) == server["pid"]]
    assert len(tree) >= 3
    ran = day.run("stop", "--json")
    assert ran.code == 0, ran.err
    assert ran.data["state"] == "stopped"
    assert ran.data["survivors"] == []
    assert not [p.pid for p in tree if p.is_running() and p.status() != "zombie"]
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", server["port"]))


def test_the_log_stays_readable_after_the_stop(day: Home) -> None:
    assert "Application startup complete" in day.run("logs", "-n", "10000").out


def test_a_failed_start_says_why_and_is_not_taken_for_running(day: Home) -> None:
    ran = day.run("start", "demo", "--json", "--", "--max-model-len", "999999")
    assert ran.code == 1
    assert ran.data["error"]["kind"] == "max_len_exceeds_model"
    failed = day.status()["server"]
    assert failed["state"] == "failed"
    assert failed["last_failure"]["cause"] == "max_len_exceeds_model"
    assert "max_model_len" in failed["last_failure"]["evidence_text"]
    assert not [p for p in day.processes() if "vllm" in " ".join(p.cmdline()).lower()]


def test_a_stop_cuts_a_start_short(day: Home) -> None:
    begun = day.run("start", "demo", "--no-wait", "--json", "--port", str(free_port()))
    assert begun.code == 0
    wait_until("processes", lambda: day.status()["server"]["phase"] in {"init", "weights"}, 60)
    assert day.run("stop").code == 0
    assert day.status()["server"]["state"] == "stopped"
    assert not [p for p in day.processes() if "vllm" in " ".join(p.cmdline()).lower()]


def test_the_record_and_the_log_are_private(day: Home) -> None:
    assert oct(day.state.stat().st_mode & 0o777) == "0o700"
    for name in ("record.json", "server.log", "environment.json"):
        assert oct((day.state / "servers" / "main" / name).stat().st_mode & 0o777) == "0o600"
    assert json.loads((day.state / "servers" / "main" / "record.json").read_text())["schema"] == 1
