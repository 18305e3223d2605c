"""Events on the disk: the latest ones, by their rising ids."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from vconsole.supervisor.telling.event import Event, EventQuery, Fact, Severity

SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    kind TEXT NOT NULL,
    severity TEXT NOT NULL,
    server TEXT,
    text TEXT NOT NULL,
    data TEXT NOT NULL
);
"""
KEPT_ROWS = 20_000


def add(connection: sqlite3.Connection, events: Iterable[Event]) -> None:
    connection.executemany(
        "INSERT OR REPLACE INTO events VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (
                *(event.id, event.at.timestamp(), event.kind, event.severity.value),
                *(event.server, event.text, msgspec.json.encode(event.data).decode()),
            )
            for event in events
        ],
    )
    connection.execute(
        "DELETE FROM events WHERE id <= (SELECT max(id) FROM events) - ?", (KEPT_ROWS,)
    )


def last_id(connection: sqlite3.Connection) -> int:
    (last,) = connection.execute("SELECT max(id) FROM events").fetchone()
    return last or 0


def find(connection: sqlite3.Connection, query: EventQuery) -> tuple[Event, ...]:
    """The events that are asked for, oldest first."""
    conditions: list[str] = ["1"]
    values: list[str | int | float] = []
    if query.since is not None:
        conditions.append("at >= ?")
        values.append(query.since.timestamp())
    if query.kinds:
        conditions.append(f"kind IN ({', '.join('?' * len(query.kinds))})")
        values.extend(query.kinds)
    if query.server is not None:
        conditions.append("server = ?")
        values.append(query.server)
    if query.after_id is not None:
        conditions.append("id > ?")
        values.append(query.after_id)
    order = "DESC" if query.after_id is None else "ASC"
    rows = connection.execute(
        f"SELECT id, at, kind, severity, server, text, data FROM events"
        f" WHERE {' AND '.join(conditions)} ORDER BY id {order} LIMIT ?",
        (*values, max(0, query.limit)),
    ).fetchall()
    return tuple(sorted((_event(*row) for row in rows), key=lambda event: event.id))


def _event(
    number: int, at_s: float, kind: str, severity: str, server: str | None, text: str, data: str
) -> Event:
    facts = msgspec.json.decode(data, type=dict[str, Fact])
    at = datetime.fromtimestamp(at_s, UTC)
    return Event(number, at, kind, Severity(severity), server, text, facts)
