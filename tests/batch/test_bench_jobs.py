"""Benches by the commands, against the stub: jobs that survive, are kept, compared and written."""

from __future__ import annotations

import csv
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.home import Home, free_port, wait_until
from tests.support.stub import stub

pytestmark = pytest.mark.slow

SERVICE_MS = 40
STUB = ("--chunks", "8", "--slots", "8", "--service-ms", str(SERVICE_MS))
SMALL = ("--concurrency", "1,4", "--requests", "8", "--warm-up", "1", "--repeats", "2")


@pytest.fixture
def user(tmp_path: Path) -> Iterator[Home]:
    """A user without an engine: the stub is the server."""
    made = Home(tmp_path, "/nowhere/python")
    yield made
    made.close()


def jobs(user: Home) -> list[dict[str, Any]]:
    found = user.run("batch", "list", "--json").data["jobs"]
    assert isinstance(found, list)
    return found


def shown(user: Home, bench_id: str) -> dict[str, Any]:
    return user.run("bench", "show", bench_id, "--json").data


def begin(user: Home, url: str, *more: str) -> str:
    ran = user.run("bench", "--url", url, *more, "--detach", "--json")
    assert ran.code == 0, ran.err
    return str(ran.data["bench"])


def measured(user: Home, bench_id: str) -> int:
    return len(shown(user, bench_id)["runs"])


def until_state(user: Home, bench_id: str, state: str) -> dict[str, Any]:
    wait_until(f"{bench_id} is {state}", lambda: shown(user, bench_id)["state"] == state, 120)
    return shown(user, bench_id)


def test_a_sweep_from_start_to_end_with_all_its_files(user: Home, tmp_path: Path) -> None:
    files = {kind: tmp_path / f"bench.{kind}" for kind in ("csv", "markdown", "svg")}
    named = [word for kind, path in files.items() for word in (f"--{kind}", str(path))]
    with stub(*STUB) as url:
        ran = user.run("bench", "--url", url, *SMALL, "--json", *named)
        listed = user.run("bench", "list", "--json").data["benches"]
    assert ran.code == 0, ran.err
    assert ran.data["state"] == "done"
    assert [run["concurrency"] for run in ran.data["runs"]] == [1, 4, 1, 4]
    for run in ran.data["runs"]:
        assert (run["requests"], run["failed"], run["generation_tokens"]) == (8, 0, 64)
        assert run["e2e_ms"]["p50"] >= SERVICE_MS - 1
        assert set(run["ttft_ms"]) == {"p50", "p95", "p99", "mean"}
        # A request at a time cannot be faster than the stub serves one.
        assert run["requests_per_s"] <= run["concurrency"] * 1000 / SERVICE_MS
    rows = list(csv.DictReader(files["csv"].read_text().splitlines()))
    assert [row["concurrency"] for row in rows] == ["1", "4", "1", "4"]
    assert {"ttft_ms_p95", "tpot_ms_p50", "server_requests", "client_cpu_share"} <= rows[0].keys()
    assert files["markdown"].read_text().startswith("# Bench m1\n")
    assert files["svg"].read_text().count("<circle") == 2
    assert [(one["id"], one["state"], one["measured"]) for one in listed] == [("m1", "done", 4)]


def test_two_are_compared_and_one_is_forgotten(user: Home) -> None:
    fast, slow = (*STUB[:-1], "10"), (*STUB[:-1], "80")
    for options in (fast, slow):
        with stub(*options) as url:
            name = ("--concurrency", "2", "--requests", "6", "--repeats", "3")
            assert user.run("bench", "--url", url, *name, "--json").code == 0
    ran = user.run("bench", "compare", "m1", "m2", "--json")
    # The port is part of the name of a server that is not ours.
    assert ran.code == 0
    figures = {one["figure"]: one for one in ran.data["differences"][0]["figures"]}
    assert figures["generation_tokens_per_s"]["verdict"] == "lower"
    assert figures["generation_tokens_per_s"]["better"] is False
    assert 0.05 < figures["generation_tokens_per_s"]["ratio"] < 0.5
    same = user.run("bench", "compare", "m1", "m1", "--json").data["differences"][0]["figures"]
    assert {one["verdict"] for one in same} == {"no difference beyond the noise"}
    assert user.run("bench", "rm", "m1").code == 0
    assert user.run("bench", "show", "m1").code == 2
    assert [one["id"] for one in user.run("bench", "list", "--json").data["benches"]] == ["m2"]


def test_another_server_beside_ours_takes_turns(user: Home) -> None:
    with stub(*STUB[:-1], "20") as ours, stub(*STUB[:-1], "60") as rival:
        against = ("--against", f"{rival}=rival", "--warm")
        ran = user.run("bench", "--url", ours, *SMALL, *against, "--json")
    assert ran.code == 0, ran.err
    runs = [(run["target"] == "rival", run["concurrency"], run["warmth"], run["repeat"])
            for run in ran.data["runs"]]  # fmt: skip
    assert runs[:4] == [(False, 1, "cold", 0), (False, 1, "warm", 0), (True, 1, "cold", 0),
                        (True, 1, "warm", 0)]  # fmt: skip
    assert [run[0] for run in runs[8:10]] == [True, True]
    whole = [one for one in ran.data["overall"] if one["warmth"] == "cold"]
    (rate,) = [f for f in whole[0]["figures"] if f["figure"] == "generation_tokens_per_s"]
    assert rate["better"] is False
    assert rate["low"] < rate["ratio"] < rate["high"] < 1


def test_a_killed_process_goes_on_where_it_was(user: Home) -> None:
    with stub(*STUB) as url:
        bench_id = begin(user, url, "--concurrency", "1,2,4", "--requests", "20")
        wait_until("two are measured", lambda: measured(user, bench_id) >= 2, 60)
        (job,) = jobs(user)
        os.kill(job["pid"], signal.SIGKILL)
        before = shown(user, bench_id)["runs"]
        found = until_state(user, bench_id, "done")
    assert len(found["runs"]) == 9
    assert found["runs"][: len(before)] == before


def test_cancelled_it_keeps_what_was_measured_and_resumed_measures_the_rest(user: Home) -> None:
    with stub(*STUB) as url:
        bench_id = begin(user, url, "--concurrency", "1,2,4", "--requests", "20")
        wait_until("one is measured", lambda: measured(user, bench_id) >= 1, 60)
        assert user.run("bench", "cancel", bench_id).code == 0
        kept = until_state(user, bench_id, "cancelled")["runs"]
        wait_until("its job has ended", lambda: jobs(user)[0]["state"] == "cancelled", 60)
        assert user.run("bench", "cancel", bench_id).code == 5
        assert user.run("batch", "retry", "b1").code in {2, 5}
        assert user.run("bench", "resume", bench_id).code == 0
        found = until_state(user, bench_id, "done")
    assert len(found["runs"]) == 9
    assert found["runs"][: len(kept)] == kept


def test_one_that_had_not_begun_is_cancelled_too(user: Home) -> None:
    with stub(*STUB) as url:
        first = begin(user, url, "--concurrency", "1", "--requests", "200")
        second = begin(user, url, *SMALL)
        wait_until("the first has a process", lambda: jobs(user)[-1]["pid"] is not None, 60)
        assert user.run("bench", "cancel", second).code == 0
        assert shown(user, second)["state"] == "cancelled"
        process = psutil.Process(jobs(user)[-1]["pid"])
        assert user.run("bench", "cancel", first).code == 0
        until_state(user, first, "cancelled")
        process.wait(60)


def test_what_cannot_be_measured_says_why(user: Home, tmp_path: Path) -> None:
    gone = f"http://127.0.0.1:{free_port()}"
    ran = user.run("bench", "--url", gone, *SMALL)
    assert ran.code == 1
    assert f"nobody answers at {gone}" in ran.err
    assert "Traceback" not in ran.err
    with stub(*STUB) as url:
        away = str(tmp_path / "nowhere" / "b.csv")
        ran = user.run("bench", "--url", url, *SMALL, "--csv", away)
    assert ran.code == 2
    assert "cannot write" in ran.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--concurrency", "0"), "no list of numbers"),
        (("--rate", "x"), "no list of numbers"),
        (("--concurrency", "1", "--rate", "2"), "exclude each other"),
        (("--profiles", "one"), "needs two"),
        (("--profiles", "a,b", "--url", "http://127.0.0.1:1"), "goes without"),
        (("--history", "--input-tokens", "5"), "goes without"),
        (("--against", "127.0.0.1:8000"), "no address of a server"),
        (("--against", "http://127.0.0.1:8000=main"), "the same name"),
        (("--url", "there"), "no address of a server"),
        (("--prompts", "/nowhere/in.jsonl"), "does not exist"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(
    user: Home, arguments: tuple[str, ...], words: str
) -> None:
    ran = user.run("bench", *arguments)
    assert (ran.code, words in ran.err) == (2, True), ran.err


def test_without_a_server_it_says_so(user: Home) -> None:
    ran = user.run("bench", "--json")
    assert ran.code == 3
    assert user.run("bench", "list", "--json").data == {"benches": []}
