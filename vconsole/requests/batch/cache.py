"""Answers on disk, so that a deterministic request is answered once, across batches.

Kept in SQLite under the cache folder, bounded in size, the longest unused ones leaving first. It
may be deleted at any time, and whatever is wrong with it costs only its use.
"""

from __future__ import annotations

import hashlib
import logging
import os
import sqlite3
import threading
import time
from contextlib import suppress
from pathlib import Path

from vconsole import paths
from vconsole.engine.http.protocol import ModelCard
from vconsole.requests.batch.model import Item

LARGEST_BYTES = 1 << 30
KEPT_SHARE = 0.9
KEY_BYTES = 24
SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
    key BLOB PRIMARY KEY, body BLOB NOT NULL, used_s REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_use ON answers (used_s);
"""
INSERT = "INSERT OR REPLACE INTO answers VALUES (?,?,?)"
log = logging.getLogger(__name__)


def cache_path() -> Path:
    return paths.cache_dir() / "answers.sqlite"


class AnswerCache:
    """Answers of one revision of a model; `flush` writes what was added, `close` too."""

    def __init__(self, revision: str, path: Path | None = None, largest: int = LARGEST_BYTES):
        self._revision = revision.encode()
        self._largest = largest
        self._lock = threading.Lock()
        self._added: dict[bytes, bytes] = {}
        self._used: set[bytes] = set()
        self._database = _open(path or cache_path())

    def key(self, item: Item) -> bytes:
        parts = (self._revision, item.path.encode(), item.body)
        return hashlib.blake2b(b"\0".join(parts), digest_size=KEY_BYTES).digest()

    def find(self, key: bytes) -> bytes | None:
        if key in self._added:
            return self._added[key]
        with self._lock, suppress(sqlite3.Error):
            row = self._database.execute(
                "SELECT body FROM answers WHERE key = ?", (key,)
            ).fetchone()
            if row:
                self._used.add(key)
                return bytes(row[0])
        return None

    def add(self, key: bytes, body: bytes) -> None:
        self._added[key] = body

    def flush(self) -> None:
        """Write what was added and used since; blocks, so call it in a thread."""
        added, self._added = self._added, {}
        used, self._used = self._used, set()
        if not added and not used:
            return
        now_s = time.time()
        with self._lock:
            try:
                with self._database:
                    rows = [(key, body, now_s) for key, body in added.items()]
                    self._database.executemany(
                        "INSERT OR REPLACE INTO answers VALUES (?,?,?)", rows
                    )
                    touched = [(now_s, key) for key in used]
                    self._database.executemany("UPDATE answers SET used_s=? WHERE key=?", touched)
                    self._make_room()
            except sqlite3.Error as error:
                log.warning("answers are not cached: %s", error)

    def close(self) -> None:
        self.flush()
        self._database.close()

    def _make_room(self) -> None:
        if _size_bytes(self._database) <= self._largest:
            return
        count = self._database.execute("SELECT count(*) FROM answers").fetchone()[0]
        leaving = max(1, int(count * (1 - KEPT_SHARE)))
        self._database.execute(
            "DELETE FROM answers WHERE key IN (SELECT key FROM answers ORDER BY used_s LIMIT ?)",
            (leaving,),
        )


def clear(path: Path | None = None) -> int:
    """Forget every answer; how many bytes that gave back."""
    path, freed = path or cache_path(), 0
    for name in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        with suppress(FileNotFoundError):
            freed += name.stat().st_size
            name.unlink()
    return freed


def size_bytes(path: Path | None = None) -> int:
    path = path or cache_path()
    return path.stat().st_size if path.exists() else 0


def revision_of(card: ModelCard, started_at_s: float | None) -> str | None:
    """What makes answers of a model comparable: its files where they are here to be looked at.

    A model by name is known only as long as one process serves it; None where that is unknown.
    """
    root = Path(card.root or "")
    if card.root and root.is_dir():
        files = sorted(
            f"{file.name} {found.st_size} {found.st_mtime_ns}"
            for file in root.iterdir()
            if (found := file.stat()) and file.is_file()
        )
        return hashlib.blake2b("\n".join([str(root), *files]).encode()).hexdigest()
    return f"{card.root or card.id} since {started_at_s}" if started_at_s else None


def _open(path: Path) -> sqlite3.Connection:
    """The file, a new one where it is no database, memory where there can be none."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        os.close(descriptor)
        try:
            return _prepared(sqlite3.connect(path, check_same_thread=False, timeout=5))
        except sqlite3.DatabaseError:
            clear(path)
            return _prepared(sqlite3.connect(path, check_same_thread=False, timeout=5))
    except (OSError, sqlite3.Error) as error:
        log.warning("answers are cached for this batch alone, %s cannot be used: %s", path, error)
        return _prepared(sqlite3.connect(":memory:", check_same_thread=False))


def _prepared(database: sqlite3.Connection) -> sqlite3.Connection:
    try:
        database.execute("PRAGMA auto_vacuum=INCREMENTAL")
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=OFF")
        database.executescript(SCHEMA)
    except sqlite3.Error:
        database.close()
        raise
    return database


def _size_bytes(database: sqlite3.Connection) -> int:
    pages, free, size = (
        database.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)
