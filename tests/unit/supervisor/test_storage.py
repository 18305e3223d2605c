"""The database on a disk that is well, full, corrupt or not ours."""

from __future__ import annotations

import logging
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from vconsole.supervisor.memory.history import History
from vconsole.supervisor.memory.storage import database, events, samples, served
from vconsole.supervisor.memory.storage.served import Pending, Totals
from vconsole.supervisor.memory.tally import Counters, Increase
from vconsole.supervisor.model import Sample
from vconsole.supervisor.telling.event import Event, EventQuery, Severity

MINUTE = 29_000_000
NOW = datetime.fromtimestamp(MINUTE * 60, UTC)


def second(number: int, **figures: float) -> tuple[str, Sample]:
    return "main", Sample(datetime.fromtimestamp(MINUTE * 60 + number, UTC), **figures)


def event(number: int) -> Event:
    return Event(number, NOW, "state", Severity.INFO, "main", f"event {number}", {"n": number})


def test_a_minute_is_the_mean_of_its_seconds_and_the_peak_of_its_queue(tmp_path: Path) -> None:
    history = History(tmp_path / "h.sqlite")
    rows = [
        second(0, generation_tokens_per_s=10.0, requests_waiting=0.0),
        second(59, generation_tokens_per_s=30.0, requests_waiting=9.0),
        second(60, generation_tokens_per_s=99.0),
        second(180, requests_running=1.0),
    ]
    assert history.add(rows, Pending())
    first, next_one, last = history.minutes("main", MINUTE * 60, MINUTE * 60 + 3600)
    assert (first.generation_tokens_per_s, first.requests_waiting) == (20.0, 9.0)
    assert (next_one.generation_tokens_per_s, next_one.requests_waiting) == (99.0, None)
    assert (last.at.timestamp() - first.at.timestamp(), last.requests_running) == (180.0, 1.0)
    assert len(history.seconds("main", 0, 1e12)) == 4
    assert history.minutes("other", 0, 1e12) == []
    history.close()


def test_the_running_minute_is_folded_when_it_is_over(tmp_path: Path) -> None:
    path = tmp_path / "h.sqlite"
    with sqlite3.connect(path) as connection:
        samples.prepare(connection)
        samples.add(connection, [second(n, requests_running=1.0) for n in range(90)])
        samples.fold_minutes(connection, 0, MINUTE * 60 + 90)
        assert len(samples.read(connection, "minutes", "main", 0, 1e12)) == 1
        samples.add(connection, [second(90, requests_running=4.0)])
        samples.fold_minutes(connection, MINUTE * 60 + 90 - 180, MINUTE * 60 + 120)
        found = samples.read(connection, "minutes", "main", 0, 1e12)
        assert [one.requests_running for one in found] == [1.0, pytest.approx(34 / 31)]
    connection.close()


def test_rows_are_bounded_however_many_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(samples, "KEPT_ROWS", {"seconds": 50, "minutes": 3})
    monkeypatch.setattr(events, "KEPT_ROWS", 20)
    monkeypatch.setattr(served, "KEPT_ROWS", {"served": 4, "finished": 4, "energy": 4})
    history = History(tmp_path / "h.sqlite")
    for begin in range(0, 1000, 100):
        rows = [second(n, requests_running=1.0) for n in range(begin, begin + 100)]
        minute = MINUTE + begin // 60
        increases = [("main", minute, 1.0, Increase(1.0, finished={"stop": 1.0}))]
        history.add(rows, Pending(increases, energy_wh={minute: 1.0}))
        history._folded_to_s = 0.0
        assert history.add_events([event(number) for number in range(begin + 1, begin + 101)])
    assert 1 <= len(history.seconds("main", 0, 1e12)) <= 50
    assert 1 <= len(history.minutes("main", 0, 1e12)) <= 3
    assert [one.id for one in history.events(EventQuery())] == list(range(981, 1001))
    totals = history.totals(0, 1e12, None)
    assert totals.serving_s <= 4
    assert totals.energy_wh is not None
    assert totals.energy_wh <= 4
    history.close()


def test_increases_of_one_minute_add_up_and_counters_go_with_them(tmp_path: Path) -> None:
    history = History(tmp_path / "h.sqlite")
    more = Increase(100.0, 20.0, 1.0, {"stop": 2.0})
    seen = Counters("life", 100.0, 20.0, 1.0, {"stop": 2.0})
    for _ in range(3):
        history.add([], Pending([("main", MINUTE, 1.0, more)], {"main": seen}, {MINUTE: 0.5}))
    history.add([], Pending([("two", MINUTE + 9, 1.0, Increase(finished={"length": 1.0}))]))
    history.close()
    again = History(tmp_path / "h.sqlite")
    span = (MINUTE * 60.0, MINUTE * 60.0 + 3600)
    assert again.totals(*span, "main") == Totals(3.0, 300.0, 60.0, 3.0, {"stop": 6.0}, 1.5, 1)
    assert again.totals(*span, None).finished == {"stop": 6.0, "length": 1.0}
    assert again.totals(0, span[0] - 60, None) == Totals()
    assert again.counters() == {"main": seen}
    again.close()


def test_a_figure_that_is_new_gets_its_column(tmp_path: Path) -> None:
    path = tmp_path / "h.sqlite"
    with sqlite3.connect(path) as connection:
        samples.prepare(connection)
        connection.execute("ALTER TABLE seconds DROP COLUMN requests_per_s")
    connection.close()
    history = History(path)
    assert history.add([second(0, requests_per_s=2.0)], Pending())
    assert history.seconds("main", 0, 1e12)[0].requests_per_s == 2.0
    history.close()


def test_a_full_disk_costs_what_it_cannot_take_and_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    history = History(tmp_path / "h.sqlite")
    assert history.add_events([event(1)])
    # SQLite's own limit stands in for a full disk: the same error from the same place.
    full = history._database._connection.execute("PRAGMA page_count").fetchone()[0]
    history._database._connection.execute(f"PRAGMA max_page_count={full}")
    many = [event(number) for number in range(2, 2000)]
    with caplog.at_level(logging.ERROR):
        assert not history.add_events(many)
        assert not history.add_events(many)
    assert [one.id for one in history.events(EventQuery())] == [1]
    assert len([line for line in caplog.messages if "full" in line]) == 1
    history._database._connection.execute("PRAGMA max_page_count=100000")
    assert history.add_events(many)
    history.close()


def test_a_database_that_breaks_while_open_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "h.sqlite"
    history = History(path)
    history.add_events([event(number) for number in range(1, 500)])
    history._database._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    history._database._connection.execute("PRAGMA cache_size=0")
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))
    assert history.events(EventQuery()) == ()
    assert list(tmp_path.glob("h.sqlite.corrupt-*"))
    assert history.add_events([event(7)])
    assert [one.id for one in history.events(EventQuery())] == [7]
    history.close()


def test_where_no_file_can_be_opened_memory_takes_its_place(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    history = History(tmp_path / "taken")
    assert history.add_events([event(1)])
    assert history.events(EventQuery()) == (event(1),)
    history.close()
    assert not history.add_events([event(2)])
    assert history.events(EventQuery()) == ()


def test_reading_beside_the_owner_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "h.sqlite"
    assert database.read_only(path, events.last_id, 0) == 0
    assert not path.exists()
    history = History(path)
    history.add_events([event(3)])
    assert database.read_only(path, events.last_id, 0) == 3
    history.close()
    assert database.read_only(path, events.last_id, 0) == 3
    path.write_bytes(b"no database at all, but long enough to be looked at" * 100)
    assert database.read_only(path, events.last_id, -1) == -1
