"""The log of events: ids, waiting, filters, and a disk that refuses for a while."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vconsole.supervisor.memory.history import History
from vconsole.supervisor.memory.storage import events
from vconsole.supervisor.telling.event import Event, EventKind, EventQuery, Severity, one_line
from vconsole.supervisor.telling.event_log import EventLog

NOW = datetime(2026, 11, 23, tzinfo=UTC)


async def test_ids_rise_across_supervisors_and_nothing_is_lost(tmp_path: Path) -> None:
    for life in range(3):
        history = History(tmp_path / "h.sqlite")
        told = EventLog(history, lambda: None)
        for number in range(5):
            told.add(EventKind.STATE, f"{life}.{number}", {"n": number}, server="main")
        await told.close()
        history.close()
    history = History(tmp_path / "h.sqlite")
    found = history.events(EventQuery())
    assert [one.id for one in found] == list(range(1, 16))
    assert [one.text for one in found[4:6]] == ["0.4", "1.0"]
    history.close()


async def test_a_follower_waits_and_is_woken(tmp_path: Path) -> None:
    history = History(tmp_path / "h.sqlite")
    told = EventLog(history, lambda: None)
    query = EventQuery(kinds=("smoke",), after_id=0)
    assert await told.find(query, 0.05) == ()
    waiting = asyncio.create_task(told.find(query, 10))
    await asyncio.sleep(0.05)
    told.add(EventKind.STATE, "another kind", {})
    told.add(EventKind.SMOKE, "passed", {})
    assert [one.text for one in await asyncio.wait_for(waiting, 5)] == ["passed"]
    await told.close()
    history.close()


async def test_what_the_disk_refuses_is_served_from_memory_and_written_later(
    tmp_path: Path,
) -> None:
    history = History(tmp_path / "h.sqlite")
    told = EventLog(history, lambda: None)
    connection = history._database._connection
    connection.execute("PRAGMA query_only=1")
    told.add(EventKind.STATE, "while refused", {})
    await asyncio.sleep(0.1)
    assert history.events(EventQuery()) == ()
    assert [one.text for one in await told.find(EventQuery())] == ["while refused"]
    connection.execute("PRAGMA query_only=0")
    told.add(EventKind.STATE, "after", {})
    await told.close()
    assert [one.text for one in history.events(EventQuery())] == ["while refused", "after"]
    history.close()


def test_a_text_is_one_line_that_no_terminal_acts_on() -> None:
    assert one_line("a\n  b\x1b[31m\tc") == "a b?[31m c"
    assert len(one_line("x" * 10_000)) == 500


@given(st.text())
def test_any_text_becomes_one_printable_line(text: str) -> None:
    line = one_line(text)
    assert line.isprintable()
    assert len(line) <= 500


EVENTS = st.lists(
    st.builds(
        Event,
        st.integers(1, 40),
        st.integers(0, 50).map(lambda n: NOW + timedelta(seconds=n)),
        st.sampled_from(["state", "crash", "smoke"]),
        st.sampled_from(list(Severity)),
        st.sampled_from([None, "main", "two"]),
        st.just("text"),
        st.just({}),
    ),
    max_size=20,
    unique_by=lambda one: one.id,
)
QUERIES = st.builds(
    EventQuery,
    st.none() | st.integers(0, 50).map(lambda n: NOW + timedelta(seconds=n)),
    st.sampled_from([(), ("state",), ("crash", "smoke")]),
    st.sampled_from([None, "main"]),
    st.none() | st.integers(0, 40),
    st.integers(0, 25),
)


@given(EVENTS, QUERIES)
def test_disk_and_memory_agree_on_what_is_asked_for(found: list[Event], query: EventQuery) -> None:
    in_order = sorted(found, key=lambda one: one.id)
    connection = sqlite3.connect(":memory:")
    connection.executescript(events.SCHEMA)
    events.add(connection, in_order)
    assert events.find(connection, query) == query.of(in_order)
    connection.close()


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("CRITICAL")
