"""The output and the errors file as a journal: lines whole, handed to the kernel at once.

What is in them is done; so a batch goes on after any death by reading them. A torn last line is cut
off and run again. A disk that is full costs a wait, and no line.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, TypeVar

import msgspec

from vconsole.errors import ExitCode, VConsoleError
from vconsole.requests.batch.answers import AnswerLine, ErrorLine, judged
from vconsole.requests.batch.ids import IdTable
from vconsole.requests.batch.model import Counts

T = TypeVar("T")
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
LONGEST_LINE_BYTES = 300 << 20
ANSWERED, FAILED = 1, 2
# What a line of the input is known by that has no usable id of its own.
BY_LINE = "\0line-{}"
BEGINNING = b'{"id":"batch_req_'


class Standing(StrEnum):
    """Whether the file of an open journal is still the one at its path."""

    AS_IT_WAS = "as it was"
    REMOVED = "removed"
    REPLACED = "replaced by another file"
    CUT = "cut short"


class FullDiskError(Exception):
    """The line could not be written; the file is as it was before."""


class LineFile:
    """One file of whole lines, appended to by one process at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = _open_locked(path)
        self._size = self._synced = os.fstat(self._descriptor).st_size

    def append(self, line: bytes) -> None:
        """Hand a whole line to the kernel; `FullDiskError` where the disk takes none of it."""
        try:
            written = os.write(self._descriptor, line)
        except OSError as error:
            if error.errno not in FULL:
                raise
            raise FullDiskError(error.strerror) from error
        if written != len(line):
            os.ftruncate(self._descriptor, self._size)
            raise FullDiskError("no space left for a whole line")
        self._size += written

    @property
    def is_synced(self) -> bool:
        return self._synced == self._size

    def sync(self) -> None:
        """Have the disk take what was written; blocks, so call it in a thread."""
        size = self._size
        os.fsync(self._descriptor)
        self._synced = size

    def standing(self) -> Standing:
        """What has become of the file since it was opened, by whose hand ever."""
        ours = os.fstat(self._descriptor)
        try:
            there = os.stat(self.path)
        except OSError:
            return Standing.REMOVED
        if (there.st_dev, there.st_ino) != (ours.st_dev, ours.st_ino):
            return Standing.REPLACED
        return Standing.CUT if ours.st_size < self._size else Standing.AS_IT_WAS

    def copy_to(self, path: Path) -> None:
        """Write all its lines to a new file, also where its own name is gone; blocks."""
        with open(f"/proc/self/fd/{self._descriptor}", "rb") as old, path.open("xb") as new:
            try:
                _copy(old, new, 0, self._size)
                new.flush()
                os.fsync(new.fileno())
            except OSError:
                path.unlink(missing_ok=True)
                raise

    def read(self, wanted: type[T], take: Callable[[T], None]) -> None:
        """Give every whole line to `take`; a torn last one is cut off.

        A line in between that is none (a power cut may leave such) is moved to `NAME.damaged`.
        """
        decoder = msgspec.json.Decoder(wanted)
        good_end, damaged, first = 0, [], True
        with self.path.open("rb", buffering=1 << 20) as file:
            while line := file.readline(LONGEST_LINE_BYTES):
                start, end = good_end, good_end + len(line)
                try:
                    if not line.endswith(b"\n"):
                        if first and not line.startswith(BEGINNING[: len(line)]):
                            raise _not_ours(self.path)
                        break
                    take(decoder.decode(line))
                except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
                    if first:
                        raise _not_ours(self.path) from error
                    damaged.append((start, end))
                good_end, first = end, False
        if good_end < self._size:
            os.ftruncate(self._descriptor, good_end)
            self._size = good_end
        if damaged:
            self._move_away(damaged)

    def _move_away(self, damaged: list[tuple[int, int]]) -> None:
        """Rewrite the file in place of itself without those spans, which are kept beside it.

        The good lines are written anew first, so that a death in between loses none of them.
        """
        kept = self.path.with_name(f".{self.path.name}.mended")
        aside = self.path.with_name(f"{self.path.name}.damaged")
        with self.path.open("rb") as old, kept.open("wb") as new, aside.open("ab") as bad:
            at = 0
            for start, end in damaged:
                _copy(old, new, at, start)
                _copy(old, bad, start, end)
                at = end
            _copy(old, new, at, self._size)
            new.flush()
            os.fsync(new.fileno())
        descriptor = _open_locked(kept)
        kept.replace(self.path)
        os.close(self._descriptor)
        self._descriptor = descriptor
        self._size = self._synced = os.fstat(descriptor).st_size

    def close(self) -> None:
        os.close(self._descriptor)


class Journal:
    """What a batch has done so far, and the two files that it goes on in."""

    def __init__(self, output: Path, errors: Path) -> None:
        self.output = LineFile(output)
        try:
            self.errors = LineFile(errors)
        except VConsoleError:
            self.output.close()
            raise
        self.known = IdTable()
        self._syncing = asyncio.Lock()

    def recover(self, expected: int, counts: Counts) -> None:
        """Read what is there, mending torn ends; blocks. `counts` and `known` are filled.

        A line whose answer was written and whose failure too (an older run's) counts as answered.
        """
        self.known = IdTable(expected)

        def answered(line: AnswerLine) -> None:
            if self.known.get(line.custom_id):
                return
            self.known.put(line.custom_id, ANSWERED)
            found = judged(line.response.body)
            if found:
                found.count(counts)

        def failed(line: ErrorLine) -> None:
            key = failure_key(line.custom_id, line.error.line, line.error.code)
            if not self.known.get(key):
                self.known.put(key, FAILED)
                counts.count_failure(line.error.code)

        self.output.read(AnswerLine, answered)
        self.errors.read(ErrorLine, failed)
        counts.reused = counts.done

    async def sync(self) -> None:
        """Have the disk take what was written since the last time."""
        async with self._syncing:
            for file in (self.output, self.errors):
                if not file.is_synced:
                    await asyncio.to_thread(file.sync)

    def close(self) -> None:
        self.output.close()
        self.errors.close()


LINE_CODES = frozenset({"bad_line", "duplicate_id", "wrong_model", "empty_prompt"})


def failure_key(custom_id: str | None, number: int, code: str) -> str:
    """What a failure is known by: its line where the line itself was at fault, else its id."""
    return BY_LINE.format(number) if code in LINE_CODES or custom_id is None else custom_id


def _open_locked(path: Path) -> int:
    """Open a file to append to it, which nobody else may do as long as it is open."""
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, 0o644)
    except OSError as error:
        raise cannot_use(path, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise VConsoleError(
            f"another job writes to {path}",
            "see `vconsole batch list`",
            ExitCode.REFUSED,
            kind="output_in_use",
        ) from error
    return descriptor


def set_aside_failures(errors: Path) -> None:
    """Put away the failures, so that their lines are run again; the last ones stay beside it."""
    if errors.exists():
        errors.replace(errors.with_name(f"{errors.name}.previous"))


def cannot_use(path: Path, error: OSError) -> VConsoleError:
    return VConsoleError(
        f"cannot write {path}: {error.strerror}",
        "name another file with -o, or make room and the folder writable",
        ExitCode.USAGE if error.errno in {errno.ENOENT, errno.ENOTDIR} else ExitCode.FAILED,
        kind="cannot_write",
    )


def _not_ours(path: Path) -> VConsoleError:
    return VConsoleError(
        f"{path} exists and is not the output of a batch",
        "name another file with -o; nothing was changed",
        ExitCode.REFUSED,
        kind="not_a_journal",
    )


def _copy(source: BinaryIO, target: BinaryIO, start: int, end: int) -> None:
    """Copy a span of one open file to the end of another."""
    source.seek(start)
    left = end - start
    while left > 0 and (block := source.read(min(left, 1 << 20))):
        target.write(block)
        left -= len(block)
