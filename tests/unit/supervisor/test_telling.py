"""A server's life in events: what came of what, and the facts that the report reads again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from vconsole import paths
from vconsole.requests.messages import SmokeCheck, SmokeReport
from vconsole.supervisor.memory.history import History
from vconsole.supervisor.model import Failure, ServerState
from vconsole.supervisor.servers import record
from vconsole.supervisor.servers.book import Book
from vconsole.supervisor.servers.record import Launch
from vconsole.supervisor.telling.event import Event, EventQuery, Severity
from vconsole.supervisor.telling.event_log import EventLog
from vconsole.supervisor.telling.telling import Teller

S = ServerState
NOW = datetime(2026, 11, 23, tzinfo=UTC)
PLAN = Launch("m", "lark", "127.0.0.1", 8000)
OOM = Failure("gpu_oom", "out of memory", NOW, "lower --gpu-memory-utilization")


@pytest.fixture
async def told(tmp_path: Path) -> AsyncIterator[EventLog]:
    history = History(tmp_path / "h.sqlite")
    events = EventLog(history, lambda: None)
    yield events
    await events.close()
    history.close()


async def of(events: EventLog) -> tuple[Event, ...]:
    return await events.find(EventQuery())


def book(events: EventLog) -> Book:
    paths.private_folder(paths.server_dir("main"))
    return Book("main", lambda: None, Teller("main", events))


async def test_a_crash_and_the_restart_after_it_are_told_with_their_cause(told: EventLog) -> None:
    one = book(told)
    await one.enter(S.STARTING, "asked for", launch=PLAN)
    await one.enter(S.READY, "ready after 9.0 s")
    cause = "it ended while serving"
    await one.enter(S.BACKOFF, f"{cause}; next try in 2 s", last_failure=OOM)
    await one.enter(S.STARTING, "asked for", last_failure=None)
    await one.enter(S.FAILED, cause, last_failure=OOM)
    found = await of(told)
    assert [e.kind for e in found] == ["state", "state", "crash", "restart", "crash"]
    crash, restart, failed = found[2:]
    assert (crash.severity, failed.severity) == (Severity.WARNING, Severity.ERROR)
    assert crash.data["failure"] == "gpu_oom"
    assert crash.data["remedy"] == "lower --gpu-memory-utilization"
    assert (crash.data["model"], crash.data["state"]) == ("lark", "backoff")
    assert restart.text == "started again: it ended while serving"
    assert {e.server for e in found} == {"main"}


async def test_a_record_that_cannot_be_written_is_told_once_and_so_is_its_end(
    told: EventLog,
) -> None:
    one = book(told)
    folder, aside = paths.server_dir("main"), paths.server_dir("aside")
    folder.rename(aside)
    for _ in range(3):
        await one.note(restarts=1)
    aside.rename(folder)
    await one.note(restarts=2)
    error, mended = await of(told)
    assert error.text == "cannot write the record: No such file or directory"
    assert (error.kind, error.severity) == ("record", Severity.ERROR)
    assert mended.text == "the record can be written again"
    assert record.load("main").restarts == 2


@pytest.mark.parametrize(
    ("ready_s", "median_s", "starts", "is_told"),
    [(41.0, 20.0, 3, True), (39.0, 20.0, 3, False), (90.0, 20.0, 2, False), (None, 20.0, 9, False)],
)
async def test_a_start_is_slow_from_twice_the_median_of_three(
    ready_s: float | None, median_s: float, starts: int, is_told: bool, told: EventLog
) -> None:
    Teller("main", told).start_took(PLAN, ready_s, median_s, starts)
    texts = [e.text for e in await of(told)]
    assert texts == (["the start of lark took 41 s, 20 s is usual"] if is_told else [])


async def test_a_smoke_test_names_what_did_not_pass(told: EventLog) -> None:
    teller = Teller("main", told)
    checks = (SmokeCheck("chat", True, 5.0, "fine"), SmokeCheck("stream", False, 1.0, "no"))
    teller.smoke(SmokeReport(passed=False, checks=checks, seconds=0.1, at=NOW))
    (event,) = await of(told)
    assert event.text == "smoke test not passed: stream"
    assert (event.severity, event.data["passed"]) == (Severity.ERROR, False)


async def test_a_log_that_cannot_be_archived_is_told_and_so_is_its_end(told: EventLog) -> None:
    teller = Teller("main", told)
    teller.log_problem("cannot archive the log: No space left on device")
    teller.log_problem(None)
    assert [(e.kind, e.severity) for e in await of(told)] == [
        ("log", Severity.WARNING),
        ("log", Severity.INFO),
    ]
