"""Keeping a server's log within bounds while vLLM goes on writing to it.

The oldest whole lines are copied into an archive; its rename is the instant at which they leave the
live part; then a hole is punched where they were, which leaves every offset of the writer alone. A
death before the rename leaves the file as it was, one after it a hole to be punched at the next
look. Everything here blocks: call it in a thread.
"""

from __future__ import annotations

import errno
import gzip
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from vconsole import settings as settings_module
from vconsole.engine.log.redact import Redactor
from vconsole.errors import VConsoleError
from vconsole.host.holes import HolesUnsupportedError, punch
from vconsole.supervisor.logs.log_parts import (
    Archive,
    archive_path,
    archives,
    begin_after,
    live_begin,
    next_number,
)

PIECE_BYTES = 256 << 10
# A line may be this long before it is redacted in pieces.
LONGEST_PIECE_BYTES = 16 << 20
# This share of the limit stays in the file, for whoever reads its end.
KEPT_SHARE = 0.25
# Held where lines change their place, so that a start and a look do not archive the same ones.
_moving = threading.Lock()
NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
RETRY_AFTER_S = 60.0
NO_HOLES = (
    "the file system of the log cannot punch holes: the log grows while its server runs, and the "
    "next start begins a new file"
)
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """`rotate_bytes` bounds the live part, 0 for no bound; at least one archive is kept."""

    rotate_bytes: int
    keep_archives: int


class Rotation:
    """One server's log; at most one `look` at a time. `leaving` cuts a long one short."""

    def __init__(
        self, log_file: Path, redactor: Callable[[], Redactor], leaving: threading.Event
    ) -> None:
        self._log_file = log_file
        self._redactor = redactor
        self._leaving = leaving
        self._punched_to_bytes = 0
        self._holes = True
        self._not_before_s = 0.0
        self.problem: str | None = None

    def look(self, limits: Limits, is_ready: bool) -> None:
        """Do what is due; the lines of a start stay in the file until the server `is_ready`.

        What fails is said in the supervisor's log and tried again after a minute.
        """
        if limits.rotate_bytes <= 0 or time.monotonic() < self._not_before_s:
            return
        if not self._log_file.exists():
            return
        try:
            self._end_emptied()
            self._pack(limits)
            self._free_archived()
            while is_ready and self._holes and not self._leaving.is_set():
                if not self._archive_oldest(limits):
                    break
            self.problem = None if self._holes else NO_HOLES
        except HolesUnsupportedError:
            self._holes, self.problem = False, NO_HOLES
            log.warning("%s: %s", self._log_file, self.problem)
        except OSError as error:
            if self._leaving.is_set():
                return
            self._not_before_s = time.monotonic() + RETRY_AFTER_S
            self.problem = (
                f"cannot archive the log: {error.strerror or error}; nothing of it is lost"
            )
            log.warning("%s: %s", self._log_file, self.problem)

    def _archive_oldest(self, limits: Limits) -> bool:
        """Archive what is over the limit, at most the limit at a time; whether there was any."""
        with _moving, self._log_file.open("r+b") as file:
            descriptor = file.fileno()
            kept = archives(self._log_file)
            begin, size = begin_after(kept), os.fstat(descriptor).st_size
            if size - begin <= limits.rotate_bytes:
                return False
            over = size - begin - int(limits.rotate_bytes * KEPT_SHARE)
            cut = _cut(descriptor, begin, begin + min(over, limits.rotate_bytes))
            target = archive_path(self._log_file, next_number(kept), begin, cut)
            self._write(descriptor, begin, cut, target, probe=True)
            self._prune(limits)
            punch(descriptor, 0, cut)
            self._punched_to_bytes = cut
            return True

    def _write(self, source: int, begin: int, end: int, target: Path, probe: bool) -> None:
        """Bring an archive about, whole or not at all, on the disk when this returns.

        With `probe` it is not begun where the file system has no holes.
        """
        temporary = self._log_file.with_name(f".{self._log_file.name}.archive.new")
        descriptor = os.open(temporary, NEW_FILE, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                if probe:
                    punch(descriptor, 0, PIECE_BYTES)
                redact = self._redactor()
                with gzip.GzipFile(self._log_file.name, "wb", 1, file) as packed:
                    for piece in self._pieces(source, begin, end):
                        packed.write(redact.of_bytes(piece))
                file.flush()
                os.fsync(descriptor)
            temporary.rename(target)
            _sync_folder(target.parent)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise

    def _pieces(self, source: int, begin: int, end: int) -> Iterator[bytes]:
        """Whole lines, as many as fit a piece; a secret is seen where it does not span two."""
        rest = b""
        while begin < end:
            chunk = os.pread(source, min(PIECE_BYTES, end - begin), begin)
            if not chunk or self._leaving.is_set():
                raise OSError(errno.ECANCELED, "it became shorter, or the supervisor leaves")
            begin += len(chunk)
            rest += chunk
            whole = rest.rfind(b"\n") + 1
            if whole or len(rest) >= LONGEST_PIECE_BYTES:
                whole = whole or len(rest)
                yield rest[:whole]
                rest = rest[whole:]
        yield rest

    def _pack(self, limits: Limits) -> None:
        """Compress former files, and remove those that a death left behind their packed form."""
        for archive in archives(self._log_file):
            if archive.end_bytes is None:
                self._pack_former(archive)
        self._prune(limits)

    def _pack_former(self, former: Archive) -> None:
        if former.packed:
            former.path.with_suffix("").unlink(missing_ok=True)
            return
        with former.path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            target = archive_path(self._log_file, former.number, former.begin_bytes, None)
            self._write(file.fileno(), former.begin_bytes, size, target, probe=False)
        former.path.unlink()

    def _free_archived(self) -> None:
        """Punch the hole that a death after an archive's rename left out."""
        begin = live_begin(self._log_file)
        if begin <= self._punched_to_bytes or not self._holes:
            return
        with self._log_file.open("r+b") as file:
            punch(file.fileno(), 0, begin)
        self._punched_to_bytes = begin

    def _end_emptied(self) -> None:
        """Where somebody emptied the file, note that it begins at 0 again."""
        kept = archives(self._log_file)
        begin = begin_after(kept)
        if begin and self._log_file.exists() and self._log_file.stat().st_size < begin:
            last = kept[-1]
            last.path.rename(archive_path(self._log_file, last.number, last.begin_bytes, None))
        if begin < self._punched_to_bytes:
            self._punched_to_bytes = 0

    def _prune(self, limits: Limits) -> None:
        for archive in archives(self._log_file)[: -max(1, limits.keep_archives)]:
            archive.path.unlink(missing_ok=True)


def log_limits() -> Limits:
    """What the settings say; the built-in limits where they cannot be read."""
    try:
        found = settings_module.load().supervisor
    except VConsoleError:
        found = settings_module.SupervisorSettings()
    return Limits(found.log_rotate_bytes, found.log_keep_archives)


def put_away(log_file: Path, limits: Limits) -> None:
    """Before a start, while nobody writes: a file over the limit becomes an archive by its rename.

    Where that fails the log goes on in the old file, and the supervisor's log says so.
    """
    try:
        if not log_file.exists() or not 0 < limits.rotate_bytes < log_file.stat().st_size:
            return
        with _moving:
            number, begin = next_number(archives(log_file)), live_begin(log_file)
            log_file.rename(archive_path(log_file, number, begin, None).with_suffix(""))
            _sync_folder(log_file.parent)
    except OSError as error:
        log.warning("cannot put %s away: %s", log_file, error)


def _cut(descriptor: int, begin: int, target: int) -> int:
    """The end of the last line before `target`, else of a text that was overwritten, else it."""
    for ending in (b"\n", b"\r"):
        end = target
        while end > begin:
            start = max(begin, end - PIECE_BYTES)
            found = os.pread(descriptor, end - start, start).rfind(ending)
            if found >= 0:
                return start + found + 1
            end = start
    return target


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
