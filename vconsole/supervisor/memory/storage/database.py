"""One SQLite file; a disk that is full, unreadable or gone costs what it would have kept, no more.

Used from threads, one at a time. A corrupt file is set aside; where none can be opened, memory
takes its place for as long as the process lives.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from vconsole.supervisor.files import set_aside

T = TypeVar("T")
CORRUPT = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
SIDE_FILES = ("-wal", "-shm")
log = logging.getLogger(__name__)


class Database:
    """Reads and writes never raise; a refusal is logged once until the next success."""

    def __init__(self, path: Path, prepare: Callable[[sqlite3.Connection], None]) -> None:
        self._path = path
        self._prepare = prepare
        self._lock = threading.Lock()
        self._refused = False
        self._closed = False
        self._connection = self._open()

    def write(self, work: Callable[[sqlite3.Connection], None]) -> bool:
        """Carry out `work` as one transaction; whether it is kept."""

        def done(connection: sqlite3.Connection) -> bool:
            with connection:
                work(connection)
            return True

        return self._attempt(done, otherwise=False)

    def read(self, work: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """What `work` finds, or `otherwise` where the file refuses."""
        return self._attempt(work, otherwise)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._connection.close()

    def _attempt(self, work: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        with self._lock:
            if self._closed:
                return otherwise
            try:
                result = work(self._connection)
            except sqlite3.Error as error:
                self._note_refusal(error)
                return otherwise
            self._refused = False
            return result

    def _note_refusal(self, error: sqlite3.Error) -> None:
        if _is_corrupt(error):
            self._connection.close()
            self._connection = self._open_anew(error)
        elif not self._refused:
            log.error("history is not kept for now: %s", error)
        self._refused = True

    def _open(self) -> sqlite3.Connection:
        try:
            return _connect(self._path, self._prepare)
        except sqlite3.DatabaseError as error:
            if _is_corrupt(error):
                return self._open_anew(error)
            return self._in_memory(error)
        except OSError as error:
            return self._in_memory(error)

    def _open_anew(self, error: Exception) -> sqlite3.Connection:
        try:
            log.warning("history is unreadable (%s): kept as %s", error, _set_aside(self._path))
            return _connect(self._path, self._prepare)
        except (OSError, sqlite3.Error) as second:
            return self._in_memory(second)

    def _in_memory(self, error: Exception) -> sqlite3.Connection:
        log.error("history is kept in memory only, %s cannot be used: %s", self._path, error)
        connection = sqlite3.connect(":memory:", check_same_thread=False)
        self._prepare(connection)
        return connection


def read_only(path: Path, work: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
    """What `work` finds in a file that another process may own; `otherwise` where it cannot."""
    if not path.exists():
        return otherwise
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5)
    except sqlite3.Error:
        return otherwise
    try:
        return work(connection)
    except sqlite3.Error:
        return otherwise
    finally:
        connection.close()


def _connect(path: Path, prepare: Callable[[sqlite3.Connection], None]) -> sqlite3.Connection:
    path.touch(mode=0o600, exist_ok=True)
    connection = sqlite3.connect(path, check_same_thread=False, timeout=5)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        prepare(connection)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _is_corrupt(error: sqlite3.Error) -> bool:
    # Extended codes keep the primary one in their low byte (sqlite.org/rescode.html).
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in CORRUPT


def _set_aside(path: Path) -> Path:
    """Move the file and its journal away together: a journal must not meet another file."""
    kept = set_aside(path)
    for suffix in SIDE_FILES:
        side = path.with_name(path.name + suffix)
        if side.exists():
            side.rename(kept.with_name(kept.name + suffix))
    return kept
