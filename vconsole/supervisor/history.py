"""What is remembered across supervisors, in SQLite: how long earlier starts took, by phase.

One connection, used from threads one at a time. A database that cannot be read is set aside; where
the disk takes none, memory holds it until the supervisor leaves.
"""

from __future__ import annotations

import logging
import sqlite3
import statistics
import threading
from pathlib import Path

import msgspec

from vconsole.supervisor.files import set_aside
from vconsole.supervisor.record import Launch, Run

SCHEMA = """
CREATE TABLE IF NOT EXISTS starts (
    id INTEGER PRIMARY KEY,
    server TEXT NOT NULL,
    model TEXT NOT NULL,
    engine TEXT NOT NULL,
    flags TEXT NOT NULL,
    started_at TEXT NOT NULL,
    ready_s REAL NOT NULL,
    phases TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS starts_by_model ON starts (model, engine, id);
"""
LEARNED_FROM = 9
log = logging.getLogger(__name__)


class History:
    """The database; every method may be called from any thread."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        try:
            self._connection = _open_or_set_aside(path)
        except (sqlite3.Error, OSError) as error:
            log.error("history cannot be kept: %s", error)
            self._connection = _open(None)

    def add_start(self, server: str, plan: Launch, run: Run) -> None:
        """Remember how long a start took; a disk that refuses costs this memory and no more."""
        phases = {phase.name: phase.seconds for phase in run.phases}
        row = (
            *(server, plan.model, plan.engine, " ".join(plan.flags)),
            *(run.started_at.isoformat(), run.ready_s, msgspec.json.encode(phases).decode()),
        )
        try:
            with self._lock, self._connection:
                self._connection.execute(
                    "INSERT INTO starts (server, model, engine, flags, started_at, ready_s, phases)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?)",
                    row,
                )
        except sqlite3.Error as error:
            log.error("a start was not remembered: %s", error)

    def learned_phases(self, model: str, engine: str) -> tuple[dict[str, float], int]:
        """Median seconds of each phase over the latest starts of `model`, and how many those are.

        A phase that a start did not have counts as 0 there.
        """
        with self._lock:
            rows = self._connection.execute(
                "SELECT phases FROM starts WHERE model = ? AND engine = ? ORDER BY id DESC LIMIT ?",
                (model, engine, LEARNED_FROM),
            ).fetchall()
        starts = [msgspec.json.decode(text, type=dict[str, float]) for (text,) in rows]
        names = {name for phases in starts for name in phases}
        medians = {
            name: statistics.median(phases.get(name, 0.0) for phases in starts) for name in names
        }
        return medians, len(starts)

    def close(self) -> None:
        with self._lock:
            self._connection.close()


def _open_or_set_aside(path: Path) -> sqlite3.Connection:
    try:
        return _open(path)
    except sqlite3.OperationalError:
        # A full, read-only or busy disk says nothing against the file.
        raise
    except sqlite3.DatabaseError as error:
        log.warning("history is unreadable (%s): kept as %s", error, set_aside(path))
        return _open(path)


def _open(path: Path | None) -> sqlite3.Connection:
    """The database at `path`, or one in memory."""
    if path:
        path.touch(mode=0o600, exist_ok=True)
    connection = sqlite3.connect(path or ":memory:", check_same_thread=False, timeout=5)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.executescript(SCHEMA)
    return connection
