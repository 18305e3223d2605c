"""A server's log on disk: the file that vLLM writes to, and archives of what it wrote before.

An archive's name says which bytes of the file it took: `server.log.000002.4096-9216.gz`. The last
of them says where the live part begins, so that the rename which brings an archive about is the one
instant at which lines change their place. `-end` took the rest: after it a new file began at 0.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

STAMP = re.compile(r"(?P<number>\d{6,})\.(?P<begin>\d+)-(?P<end>\d+|end)(?P<packed>\.gz)?")
CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, order=True)
class Archive:
    """Older lines; `end_bytes` is None where the file itself was put away. Offsets are the file's.

    Not yet `packed` it is that very file, hole and all, and secrets are still in it.
    """

    number: int
    packed: bool
    begin_bytes: int
    end_bytes: int | None
    path: Path

    def chunks(self) -> Iterator[bytes]:
        """Its text; what cannot be read any more (it was removed meanwhile, or is torn) ends it."""
        try:
            with self._open() as file:
                while chunk := file.read(CHUNK_BYTES):
                    yield chunk
        except (OSError, EOFError):
            return

    def _open(self) -> BinaryIO:
        if self.packed:
            import gzip

            return cast(BinaryIO, gzip.open(self.path, "rb"))
        file = self.path.open("rb")
        file.seek(self.begin_bytes)
        return file


def archive_path(log_file: Path, number: int, begin_bytes: int, end_bytes: int | None) -> Path:
    """Where a packed archive lies; without its `.gz` that is the former file itself."""
    end = "end" if end_bytes is None else end_bytes
    return log_file.with_name(f"{log_file.name}.{number:06d}.{begin_bytes}-{end}.gz")


def next_number(kept: tuple[Archive, ...]) -> int:
    return kept[-1].number + 1 if kept else 1


def archives(log_file: Path) -> tuple[Archive, ...]:
    """All archives, oldest first; one whose packed form is there is listed in that form only."""
    prefix = f"{log_file.name}."
    found: dict[int, Archive] = {}
    try:
        entries = [name for name in os.listdir(log_file.parent) if name.startswith(prefix)]
    except OSError:
        return ()
    for name in sorted(entries):
        if stamp := STAMP.fullmatch(name.removeprefix(prefix)):
            archive = Archive(
                int(stamp["number"]),
                stamp["packed"] is not None,
                int(stamp["begin"]),
                None if stamp["end"] == "end" else int(stamp["end"]),
                log_file.with_name(name),
            )
            found[archive.number] = max(archive, found.get(archive.number, archive))
    return tuple(found[number] for number in sorted(found))


def begin_after(kept: tuple[Archive, ...]) -> int:
    """Where the live part begins, given the archives."""
    return kept[-1].end_bytes or 0 if kept else 0


def live_begin(log_file: Path) -> int:
    """Offset of the first line that is not archived; 0 where somebody emptied the file."""
    begin = begin_after(archives(log_file))
    if begin and log_file.exists() and log_file.stat().st_size < begin:
        return 0
    return begin


def read_live(log_file: Path, offset_bytes: int, count: int) -> tuple[int, bytes]:
    """Up to `count` bytes from the first live offset that is not before `offset_bytes`.

    Returns that offset and the bytes, and never a part of a hole. OSError where there is no file.
    """
    while True:
        with log_file.open("rb") as file:
            begin = max(offset_bytes, live_begin(log_file))
            chunk = os.pread(file.fileno(), count, begin)
            opened = os.fstat(file.fileno())
        # The read counts unless the lines went into an archive, or the file away, meanwhile.
        if os.path.samestat(opened, log_file.stat()) and live_begin(log_file) <= begin:
            return begin, chunk


def live_chunks(
    log_file: Path, offset_bytes: int = 0, end_bytes: int | None = None
) -> Iterator[bytes]:
    """The live part from an offset on (to `end_bytes`), piece by piece."""
    while end_bytes is None or offset_bytes < end_bytes:
        room = CHUNK_BYTES if end_bytes is None else min(CHUNK_BYTES, end_bytes - offset_bytes)
        begin, chunk = read_live(log_file, offset_bytes, room)
        if not chunk:
            return
        yield chunk
        offset_bytes = begin + len(chunk)
