"""Samples of every server: each second for at least an hour, each minute for at least a week.

Both tables have the fields of `Sample` for columns and are bounded by their number of rows, so that
no clock that steps can empty or fill them. A minute is a fold of its seconds, made once it is over.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import fields
from datetime import UTC, datetime

from vconsole.supervisor.memory.folding import PEAKS
from vconsole.supervisor.model import Sample

FIGURES = tuple(field.name for field in fields(Sample) if field.name != "at")
# Eleven hours of one server, an hour of eleven; nineteen weeks of one, a week of nineteen.
KEPT_ROWS = {"seconds": 40_000, "minutes": 200_000}
COLUMNS = ", ".join(FIGURES)
PLACES = ", ".join("?" * (len(FIGURES) + 2))
FOLDS = ", ".join(f"{'max' if name in PEAKS else 'avg'}({name})" for name in FIGURES)

Row = tuple[str, Sample]


def prepare(connection: sqlite3.Connection) -> None:
    """Make the tables, and add the figures that an older version did not have."""
    for table in KEPT_ROWS:
        connection.execute(
            f"CREATE TABLE IF NOT EXISTS {table} (id INTEGER PRIMARY KEY,"
            " server TEXT NOT NULL, at REAL NOT NULL, UNIQUE (server, at))"
        )
        known = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
        for name in FIGURES:
            if name not in known:
                connection.execute(f"ALTER TABLE {table} ADD COLUMN {name} REAL")


def add(connection: sqlite3.Connection, rows: Iterable[Row]) -> None:
    connection.executemany(
        f"INSERT OR REPLACE INTO seconds (server, at, {COLUMNS}) VALUES ({PLACES})",
        [
            (server, sample.at.timestamp(), *(getattr(sample, name) for name in FIGURES))
            for server, sample in rows
        ],
    )


def fold_minutes(connection: sqlite3.Connection, since_s: float, until_s: float) -> None:
    """Make the minutes that began at or after `since_s` and were over by `until_s` (Unix time)."""
    connection.execute(
        f"INSERT OR REPLACE INTO minutes (server, at, {COLUMNS})"
        f" SELECT server, CAST(at / 60 AS INTEGER) * 60.0 AS minute, {FOLDS} FROM seconds"
        " WHERE at >= ? AND at < ? GROUP BY server, minute ORDER BY minute",
        (since_s // 60 * 60, until_s // 60 * 60),
    )
    for table, kept in KEPT_ROWS.items():
        connection.execute(
            f"DELETE FROM {table} WHERE id <= (SELECT max(id) FROM {table}) - {kept}"
        )


def read(
    connection: sqlite3.Connection, table: str, server: str, since_s: float, until_s: float
) -> list[Sample]:
    """The samples of `seconds` or `minutes` in a span of Unix time, oldest first."""
    rows = connection.execute(
        f"SELECT at, {COLUMNS} FROM {table} WHERE server = ? AND at >= ? AND at < ? ORDER BY at",
        (server, since_s, until_s),
    )
    return [Sample(datetime.fromtimestamp(at, UTC), *figures) for at, *figures in rows]
