"""The durable queue: one row a job in SQLite, in the order in which they were asked for."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path

import msgspec

from vconsole.errors import VConsoleError
from vconsole.supervisor.jobs.model import JobRecord
from vconsole.supervisor.memory.storage.database import Database

SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, record BLOB NOT NULL
);
"""
log = logging.getLogger(__name__)


class JobStore:
    """Every method blocks; writing raises where the disk does not take it."""

    def __init__(self, path: Path) -> None:
        self._database = Database(path, _prepare)

    def next_id(self) -> str:
        """An id that no job had before."""

        def work(connection: sqlite3.Connection) -> int:
            row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name='jobs'")
            found = row.fetchone()
            return (int(found[0]) if found else 0) + 1

        return f"b{self._database.read(work, 1)}"

    def save(self, record: JobRecord) -> None:
        encoded = msgspec.json.encode(record)

        def work(connection: sqlite3.Connection) -> None:
            kept = connection.execute("UPDATE jobs SET record=? WHERE id=?", (encoded, record.id))
            if not kept.rowcount:
                row = (record.id, encoded)
                connection.execute("INSERT INTO jobs (id, record) VALUES (?, ?)", row)

        if not self._database.write(work):
            raise VConsoleError(
                f"job {record.id} cannot be written down",
                "make room on the disk of the state folder; `vconsole supervisor status` names it",
            )

    def forget(self, job_id: str) -> None:
        def work(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM jobs WHERE id = ?", (job_id,))

        self._database.write(work)

    def load(self) -> list[JobRecord]:
        """All jobs, oldest first; what cannot be read is left out."""

        def work(connection: sqlite3.Connection) -> list[bytes]:
            rows = connection.execute("SELECT record FROM jobs ORDER BY number")
            return [row[0] for row in rows]

        found, nothing = list[JobRecord](), list[bytes]()
        for encoded in self._database.read(work, nothing):
            try:
                found.append(msgspec.json.decode(encoded, type=JobRecord))
            except msgspec.MsgspecError as error:
                log.error("a job cannot be read: %s", error)
        return found

    def close(self) -> None:
        self._database.close()


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA synchronous=FULL")
    connection.executescript(SCHEMA)
