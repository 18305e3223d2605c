"""The commands on a real vLLM that is up: output, promised JSON and exit codes."""

from __future__ import annotations

import select
import subprocess

import httpx
import pytest

from tests.conftest import Served
from tests.support.home import Home, Ran, wait_until

pytestmark = pytest.mark.engine


def test_start_reports_the_ready_server(served: Served) -> None:
    data = served.start.data
    assert data["state"] == "ready"
    assert data["served_name"] == "demo-lark"
    assert data["ready_s"] > 0
    names = [phase["name"] for phase in data["phases"]]
    assert names[:3] == ["config", "init", "weights"]
    assert names[-1] == "ready"
    assert sum(phase["seconds"] for phase in data["phases"]) == pytest.approx(
        data["ready_s"], abs=1.0
    )


def test_phases_are_told_on_stderr_while_they_pass(served: Served) -> None:
    assert "weights" in served.start.err


def test_the_server_answers_on_its_own(served: Served) -> None:
    models = httpx.get(f"{served.url}/v1/models", timeout=10).json()
    assert [card["id"] for card in models["data"]] == ["demo-lark"]


def test_status_has_every_promised_key(served: Served) -> None:
    wait_until("the first scrape", lambda: served.home.status()["metrics"] is not None, 10)
    page = served.home.status()
    assert {"server", "servers", "metrics", "gpus", "host", "ollama", "jobs", "foreign"} <= set(
        page
    )
    server = page["server"]
    promised = (
        "name state desired model served_name profile url pid started_at uptime_s phase progress "
        "eta_s adopted restarts last_failure"
    )
    assert set(promised.split()) <= set(server)
    assert (server["state"], server["desired"]) == ("ready", "running")
    assert page["supervisor"]["alive"] is True
    assert page["metrics"]["kv_cache_tokens"] > 0
    assert page["host"]["memory_total_bytes"] > 0


def test_status_for_people_says_what_runs(served: Served) -> None:
    shown = served.home.run("status").out
    assert "● READY" in shown
    assert served.url in shown


def test_ask_streams_legible_words(served: Served) -> None:
    ran = served.home.run("ask", "Who are you?", "--temperature", "0")
    assert ran.code == 0
    assert "Lark" in ran.out
    assert "tok/s" in ran.err


def test_ask_as_json_has_the_figures(served: Served) -> None:
    data = served.home.run("ask", "Who are you?", "--json", "--max-tokens", "5").data
    assert data["finish_reason"] == "length"
    assert data["completion_tokens"] == 5
    assert data["prompt_tokens"] > 0
    assert data["ttft_ms"] > 0
    assert data["text"]


def test_ask_reads_stdin(served: Served) -> None:
    ran = served.home.run("ask", "-", "--no-stream", stdin="Who are you?")
    assert ran.code == 0
    assert ran.out.strip()


def test_a_refused_request_shows_the_servers_reason(served: Served) -> None:
    ran = served.home.run("ask", "Hello", "--max-tokens", "999999", "--json")
    assert ran.code == 1
    assert "max_tokens" in ran.data["error"]["message"]


def test_smoke_passes_every_check(served: Served) -> None:
    ran = served.home.run("smoke", "--json")
    assert ran.code == 0, ran.out
    assert ran.data["passed"] is True
    assert {check["passed"] for check in ran.data["checks"]} == {True}
    assert len(ran.data["checks"]) >= 5


def test_logs_filter_by_level_and_pattern(served: Served) -> None:
    everything = served.home.run("logs", "-n", "100000").out.splitlines()
    warnings = served.home.run("logs", "-n", "100000", "--level", "warning").out.splitlines()
    matched = served.home.run("logs", "--grep", "KV cache size").out.splitlines()
    assert 0 < len(warnings) < len(everything)
    assert matched
    assert all("KV cache size" in line for line in matched)


def test_logs_follow_what_is_appended(served: Served) -> None:
    follower = served.home.popen("logs", "-f", "-n", "0", "--grep", "chat/completions")
    try:
        assert follower.stdout is not None
        # The follower may begin after the first of these is logged.
        for _ in range(10):
            served.home.run("ask", "Hello", "--max-tokens", "2")
            if select.select([follower.stdout], [], [], 1.0)[0]:
                break
        assert "POST /v1/chat/completions" in follower.stdout.readline()
    finally:
        follower.kill()
        follower.communicate()


def test_a_second_start_is_refused(served: Served) -> None:
    ran = served.home.run("start", "demo-owl", "--json")
    assert ran.code == 5
    assert ran.data["error"]["kind"] == "already_running"


def test_another_user_of_the_port_is_refused_before_anything_loads(
    served: Served, home: Home
) -> None:
    port = served.start.data["url"].rpartition(":")[2]
    ran = home.run("start", "demo", "--port", port, "--json")
    assert ran.code == 5
    assert ran.data["error"]["kind"] == "port_in_use"


def test_curl_speaks_to_the_socket(served: Served) -> None:
    answer = subprocess.run(
        ["curl", "-sS", "--unix-socket", str(served.home.socket), "http://localhost/v1/supervisor"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert Ran(0, answer.stdout, "").data["alive"] is True


def test_readonly_refuses_what_changes(served: Served) -> None:
    ran = served.home.run("--readonly", "stop", "--json")
    assert ran.code == 5
    assert ran.data["error"]["kind"] == "readonly"
    assert served.home.status()["server"]["state"] == "ready"
