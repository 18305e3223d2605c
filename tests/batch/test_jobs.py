"""Jobs by the commands, against the stub: queued, followed, paused, adopted after any death."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.batch.conftest import assert_all_answered, lines_of, write_requests
from tests.support.home import Home, wait_until
from tests.support.stub import stub

pytestmark = pytest.mark.slow

SLOW = ("--slots", "8", "--service-ms", "120")
REQUESTS = 600


@pytest.fixture
def user(tmp_path: Path) -> Iterator[Home]:
    """A user without an engine: the stub is the server."""
    made = Home(tmp_path, "/nowhere/python")
    yield made
    made.close()


def job(user: Home, job_id: str = "b1") -> dict[str, Any]:
    return user.run("batch", "show", job_id, "--json").data


def begin(user: Home, tmp_path: Path, url: str, *more: str, out: str = "out.jsonl") -> Path:
    source = tmp_path / "in.jsonl"
    if not source.exists():
        write_requests(source, REQUESTS)
    arguments = ("batch", "run", str(source), "-o", str(tmp_path / out), "--url", url)
    ran = user.run(*arguments, "--detach", "--json", *more)
    assert ran.code == 0, ran.err
    return tmp_path / out


def until_state(user: Home, state: str, job_id: str = "b1") -> dict[str, Any]:
    wait_until(f"{job_id} is {state}", lambda: job(user, job_id)["state"] == state, 60)
    return job(user, job_id)


def worker_of(user: Home, job_id: str = "b1") -> psutil.Process:
    wait_until("the job has a process", lambda: job(user, job_id)["pid"] is not None)
    return psutil.Process(job(user, job_id)["pid"])


def test_a_batch_from_start_to_end_says_what_scripts_rely_on(user: Home, tmp_path: Path) -> None:
    source, output = write_requests(tmp_path / "in.jsonl", 100), tmp_path / "out.jsonl"
    with stub() as url:
        ran = user.run("batch", "run", str(source), "-o", str(output), "--url", url, "--json")
        assert ran.code == 0, ran.err
        with source.open("a") as file:
            file.write("nonsense\n")
        changed = user.run("batch", "run", str(source), "-o", str(output), "--url", url, "--json")
        more = ("--continue", "--json")
        again = user.run("batch", "run", str(source), "-o", str(output), "--url", url, *more)
    assert {k: ran.data[k] for k in ("total", "completed", "failed", "reused")} == {
        "total": 100,
        "completed": 100,
        "failed": 0,
        "reused": 0,
    }
    assert ran.data["output"] == str(output)
    assert ran.data["errors"] == str(tmp_path / "out.errors.jsonl")
    assert ran.data["requests_per_s"] > 10
    assert (ran.data["cost"], ran.data["cost_rests_on"]) == (None, "its server is not ours")
    assert ran.data["cache_hit_rate"] is None
    assert ran.data["generation_tokens_per_s"] is not None
    assert_all_answered(output, 100)
    assert (changed.code, changed.data["error"]["kind"]) == (5, "changed")
    assert (again.code, again.data["failed"], again.data["reused"]) == (1, 1, 100)
    status = user.status()["jobs"]
    assert [(j["id"], j["kind"], j["state"], j["done"]) for j in status] == [
        ("b1", "batch", "done", 100),
        ("b2", "batch", "done", 101),
    ]


def test_without_a_server_it_says_so(user: Home, tmp_path: Path) -> None:
    source = write_requests(tmp_path / "in.jsonl", 3)
    ran = user.run("batch", "run", str(source), "-o", str(tmp_path / "o.jsonl"), "--json")
    assert (ran.code, ran.data["error"]["kind"]) == (3, "not_running")
    missing = user.run(
        "batch", "run", "nowhere.jsonl", "-o", "x.jsonl", "--url", "http://127.0.0.1:1"
    )
    assert missing.code == 2


def test_ctrl_c_leaves_the_job_running(user: Home, tmp_path: Path) -> None:
    source, output = write_requests(tmp_path / "in.jsonl", REQUESTS), tmp_path / "out.jsonl"
    with stub(*SLOW) as url:
        face = user.popen("batch", "run", str(source), "-o", str(output), "--url", url)
        wait_until("answers come", lambda: output.exists() and output.stat().st_size > 5000)
        face.send_signal(signal.SIGINT)
        _, said = face.communicate(timeout=20)
        assert face.returncode == 130
        assert "vconsole batch show b1" in said
        until_state(user, "done")
    assert_all_answered(output, REQUESTS)


def test_pause_resume_and_cancel(user: Home, tmp_path: Path) -> None:
    with stub(*SLOW) as url:
        output = begin(user, tmp_path, url)
        wait_until("answers come", lambda: output.exists() and output.stat().st_size > 5000)
        assert user.run("batch", "pause", "b1").code == 0
        wait_until("nothing is in flight", lambda: job(user)["in_flight"] == 0)
        held = len(lines_of(output))
        time.sleep(1)
        assert len(lines_of(output)) == held < REQUESTS
        assert job(user)["state"] == "paused"
        user.run("batch", "resume", "b1")
        wait_until("it goes on", lambda: len(output.read_bytes().splitlines()) > held)
        user.run("batch", "cancel", "b1")
        until_state(user, "cancelled")
        assert user.run("batch", "pause", "b1").code == 5
        begin(user, tmp_path, url)
        until_state(user, "done", "b2")
    assert_all_answered(output, REQUESTS)


def test_a_killed_job_goes_on_by_itself(user: Home, tmp_path: Path) -> None:
    with stub(*SLOW) as url:
        output = begin(user, tmp_path, url)
        for _ in range(3):
            before = output.stat().st_size if output.exists() else 0
            wait_until("it gets on", lambda b=before: output.exists() and output.stat().st_size > b)
            worker_of(user).kill()
            wait_until("it has died", lambda: job(user)["state"] in {"queued", "done", "waiting"})
        until_state(user, "done")
    assert_all_answered(output, REQUESTS)


def test_a_killed_supervisor_is_followed_by_one_that_adopts_the_job(
    user: Home, tmp_path: Path
) -> None:
    with stub(*SLOW) as url:
        output = begin(user, tmp_path, url)
        worker = worker_of(user)
        wait_until("answers are counted", lambda: job(user)["done"])
        for _ in range(2):
            os.kill(user.run("supervisor", "status", "--json").data["pid"], signal.SIGKILL)
            assert job(user)["done"], "the first that it is asked it knows"
            assert worker_of(user) == worker
        until_state(user, "done")
    assert_all_answered(output, REQUESTS)


def test_a_job_that_ended_while_no_supervisor_lived_is_done(user: Home, tmp_path: Path) -> None:
    with stub(*SLOW) as url:
        output = begin(user, tmp_path, url)
        worker = worker_of(user)
        os.kill(user.run("supervisor", "status", "--json").data["pid"], signal.SIGKILL)
        worker.wait(60)
        assert job(user)["state"] == "done"
    assert_all_answered(output, REQUESTS)


def test_jobs_share_a_server_by_weight_and_higher_priority_goes_first(
    user: Home, tmp_path: Path
) -> None:
    with stub("--slots", "16", "--service-ms", "120") as url:
        begin(user, tmp_path, url, "--weight", "3", out="a.jsonl")
        begin(user, tmp_path, url, "--weight", "1", out="b.jsonl")
        wait_until("one is half done", lambda: (job(user)["completed"] or 0) > REQUESTS / 2)
        other = job(user, "b2")["completed"]
        assert 0.1 < other / job(user)["completed"] < 0.7
        begin(user, tmp_path, url, "--priority", "5", out="c.jsonl")
        wait_until("the others wait", lambda: job(user)["state"] == "paused")
        assert until_state(user, "done", "b3")["completed"] == REQUESTS
        until_state(user, "done")
        until_state(user, "done", "b2")
    for name in ("a", "b", "c"):
        assert_all_answered(tmp_path / f"{name}.jsonl", REQUESTS)


def test_a_job_for_later_outlives_the_supervisor_and_begins_in_time(
    user: Home, tmp_path: Path
) -> None:
    begin_s = int(time.time()) + 10
    moment = datetime.fromtimestamp(begin_s).strftime("%Y-%m-%d %H:%M:%S")
    with stub() as url:
        output = begin(user, tmp_path, url, "--not-before", moment)
        os.kill(user.run("supervisor", "status", "--json").data["pid"], signal.SIGKILL)
        waiting = job(user)
        # A machine that took so long for two commands has begun it.
        assert waiting["state"] == "queued" or time.time() >= begin_s
        wait_until("answers come", lambda: output.stat().st_size, 60)
        assert time.time() >= begin_s
        until_state(user, "done")
    assert_all_answered(output, REQUESTS)


def test_standard_input_is_kept_so_that_the_batch_can_go_on(user: Home, tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    with stub() as url:
        run = ("batch", "run", "-", "-o", str(output), "--url", url, "--json")
        first = user.run(*run, stdin="one\ntwo\n")
        assert (first.code, first.data["completed"]) == (0, 2)
        again = user.run(*run)
        assert (again.code, again.data["reused"]) == (0, 2)
        other = user.run(*run, stdin="three\n")
        assert (other.code, other.data["error"]["kind"]) == (5, "changed_stdin")
        anew = user.run(*run, "--restart", stdin="three\n")
        assert (anew.code, anew.data["completed"], anew.data["reused"]) == (0, 1, 0)
    assert (tmp_path / "out.input").read_text() == "three\n"
    assert len(lines_of(tmp_path / "out.jsonl.previous")) == 2


def test_a_preview_answers_some_and_writes_nothing(user: Home, tmp_path: Path) -> None:
    source, output = write_requests(tmp_path / "in.jsonl", 100), tmp_path / "out.jsonl"
    with source.open("a") as file:
        file.write("nonsense\n")
    with stub() as url:
        arguments = ("batch", "run", str(source), "-o", str(output), "--url", url, "--preview")
        ran = user.run(*arguments, "--json")
    assert ran.code == 0, ran.err
    assert (ran.data["good"], ran.data["bad_total"], ran.data["bad"][0]["number"]) == (100, 1, 101)
    assert [a["answer"] for a in ran.data["answers"]] == [f"q{n}" for n in range(20)]
    assert ran.data["expected_generation_tokens"] == 1600
    assert ran.data["fits_disk"]
    assert not output.exists()


def test_events_tell_of_a_batch(user: Home, tmp_path: Path) -> None:
    with stub() as url:
        begin(user, tmp_path, url)
        until_state(user, "done")
    told = user.run("events", "--kind", "job").out
    assert "batch in.jsonl started" in told
    assert f"done: {REQUESTS} answered, 0 failed" in told
