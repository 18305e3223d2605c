"""What was served and drawn, minute by minute, and where the counters of each server stood.

Increases are added to what a minute holds, and the counters they came from are written in the same
transaction, so that a supervisor killed at any instant counts nothing twice.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from vconsole.monitoring.budget import Counted
from vconsole.supervisor.memory.tally import Counters, Increase
from vconsole.supervisor.telling.levels import NAMES

SCHEMA = """
CREATE TABLE IF NOT EXISTS served (
    id INTEGER PRIMARY KEY,
    server TEXT NOT NULL,
    minute INTEGER NOT NULL,
    serving_s REAL NOT NULL,
    prompt_tokens REAL NOT NULL,
    generation_tokens REAL NOT NULL,
    preemptions REAL NOT NULL,
    UNIQUE (server, minute)
);
CREATE TABLE IF NOT EXISTS finished (
    id INTEGER PRIMARY KEY,
    server TEXT NOT NULL,
    minute INTEGER NOT NULL,
    reason TEXT NOT NULL,
    requests REAL NOT NULL,
    UNIQUE (server, minute, reason)
);
CREATE TABLE IF NOT EXISTS energy (
    id INTEGER PRIMARY KEY,
    minute INTEGER NOT NULL UNIQUE,
    energy_wh REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS levels (
    id INTEGER PRIMARY KEY,
    server TEXT NOT NULL,
    minute INTEGER NOT NULL,
    name TEXT NOT NULL,
    total REAL NOT NULL,
    bad REAL NOT NULL,
    UNIQUE (server, minute, name)
);
CREATE TABLE IF NOT EXISTS counters (server TEXT PRIMARY KEY, seen TEXT NOT NULL);
"""
NOTHING_COUNTED = {name: Counted() for name in NAMES}
KEPT_ROWS = {"served": 200_000, "finished": 200_000, "energy": 100_000, "levels": 400_000}


@dataclass(slots=True)
class Pending:
    """What is not written yet: minutes are Unix time in minutes."""

    increases: list[tuple[str, int, float, Increase]] = field(default_factory=list)
    counters: dict[str, Counters] = field(default_factory=dict)
    energy_wh: dict[int, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over a span; `energy_wh` is None where no card said what it draws.

    `energy_minutes` are those in which one did.
    """

    serving_s: float = 0.0
    prompt_tokens: float = 0.0
    generation_tokens: float = 0.0
    preemptions: float = 0.0
    finished: Mapping[str, float] = field(default_factory=dict)
    energy_wh: float | None = None
    energy_minutes: int = 0


def add(connection: sqlite3.Connection, pending: Pending) -> None:
    for server, minute, serving_s, more in pending.increases:
        connection.execute(
            "INSERT INTO served (server, minute, serving_s, prompt_tokens, generation_tokens,"
            " preemptions) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " serving_s = serving_s + excluded.serving_s,"
            " prompt_tokens = prompt_tokens + excluded.prompt_tokens,"
            " generation_tokens = generation_tokens + excluded.generation_tokens,"
            " preemptions = preemptions + excluded.preemptions",
            (
                *(server, minute, serving_s),
                *(more.prompt_tokens, more.generation_tokens, more.preemptions),
            ),
        )
        connection.executemany(
            "INSERT INTO finished (server, minute, reason, requests) VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET requests = requests + excluded.requests",
            [(server, minute, reason, count) for reason, count in more.finished.items()],
        )
        connection.executemany(
            "INSERT INTO levels (server, minute, name, total, bad) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET total = total + excluded.total, bad = bad + excluded.bad",
            [(server, minute, name, one.total, one.bad) for name, one in more.levels.items()],
        )
    connection.executemany(
        "INSERT INTO energy (minute, energy_wh) VALUES (?, ?)"
        " ON CONFLICT DO UPDATE SET energy_wh = energy_wh + excluded.energy_wh",
        pending.energy_wh.items(),
    )
    connection.executemany(
        "INSERT OR REPLACE INTO counters (server, seen) VALUES (?, ?)",
        [(name, msgspec.json.encode(seen).decode()) for name, seen in pending.counters.items()],
    )
    for table, kept in KEPT_ROWS.items():
        connection.execute(
            f"DELETE FROM {table} WHERE id <= (SELECT max(id) FROM {table}) - {kept}"
        )


def counters(connection: sqlite3.Connection) -> dict[str, Counters]:
    """Where the counters of each server stood when they were last written."""
    rows = connection.execute("SELECT server, seen FROM counters").fetchall()
    return {server: msgspec.json.decode(seen, type=Counters) for server, seen in rows}


def totals(
    connection: sqlite3.Connection, since_s: float, until_s: float, server: str | None
) -> Totals:
    """Sums over the whole minutes that a span of Unix time touches; of all servers for None."""
    span = (int(since_s // 60), int(until_s // 60))
    where = "minute >= ? AND minute <= ?" + ("" if server is None else " AND server = ?")
    bounds = span if server is None else (*span, server)
    row = connection.execute(
        "SELECT total(serving_s), total(prompt_tokens), total(generation_tokens),"
        f" total(preemptions) FROM served WHERE {where}",
        bounds,
    ).fetchone()
    finished = connection.execute(
        f"SELECT reason, sum(requests) FROM finished WHERE {where} GROUP BY reason", bounds
    ).fetchall()
    energy_wh, energy_minutes = connection.execute(
        "SELECT sum(energy_wh), count(*) FROM energy WHERE minute >= ? AND minute <= ?", span
    ).fetchone()
    serving_s, prompt_tokens, generation_tokens, preemptions = row
    return Totals(
        *(serving_s, prompt_tokens, generation_tokens, preemptions),
        *(dict(finished), energy_wh, energy_minutes),
    )


def levels(
    connection: sqlite3.Connection, server: str, since_s: float, until_s: float
) -> dict[str, Counted]:
    """What was promised, by the promise's name, in the minutes of a span of Unix time."""
    rows = connection.execute(
        "SELECT name, sum(total), sum(bad) FROM levels"
        " WHERE server = ? AND minute > ? AND minute <= ? GROUP BY name",
        (server, int(since_s // 60), int(until_s // 60)),
    )
    return NOTHING_COUNTED | {name: Counted(total, bad) for name, total, bad in rows}
