"""Who of the queue runs now, and with how much of the server."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from vconsole.requests.batch.model import BatchSpec
from vconsole.supervisor.jobs.model import JobKind, JobRecord, JobState
from vconsole.supervisor.jobs.order import MOST_AT_ONCE, shares

NOW = datetime(2026, 11, 29, 22, tzinfo=UTC)


def job(number: int, **more: object) -> JobRecord:
    made = JobRecord(f"b{number}", BatchSpec("/in.jsonl", f"/out{number}.jsonl"), "main", NOW)
    return replace(made, **more)  # type: ignore[arg-type]


def test_jobs_of_one_priority_share_by_weight() -> None:
    found = shares([job(1, weight=3.0), job(2), job(3, state=JobState.PAUSED)], NOW)
    assert found == {"b1": pytest.approx(0.75), "b2": pytest.approx(0.25)}


def test_the_highest_priority_that_is_due_goes_first() -> None:
    later = NOW + timedelta(hours=1)
    queue = [job(1), job(2, priority=5, not_before=later), job(3, priority=1), job(4, priority=1)]
    assert shares(queue, NOW) == {"b3": 0.5, "b4": 0.5}
    assert shares(queue, later) == {"b2": 1.0}


def test_servers_have_queues_of_their_own() -> None:
    queue = [job(1, priority=9), job(2, server="second"), job(3, url="http://there")]
    assert shares(queue, NOW) == {"b1": 1.0, "b2": 1.0, "b3": 1.0}


def test_of_too_many_the_oldest_run_first() -> None:
    found = shares([job(number) for number in range(MOST_AT_ONCE + 3)], NOW)
    assert list(found) == [f"b{number}" for number in range(MOST_AT_ONCE)]


def test_a_bench_has_the_server_for_itself() -> None:
    bench = job(2, priority=1000, kind=JobKind.BENCH.value)
    assert shares([job(1), bench, replace(bench, id="b3")], NOW) == {"b2": 1.0}
