"""The history of requests: one file for all consoles of this user, bounded, written whole.

It holds what was asked and answered, so only its owner may read it. Two consoles add to it in
turns; what cannot be read is set aside and a new one begun.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from vconsole import paths
from vconsole.errors import VConsoleError
from vconsole.supervisor.files import set_aside, write_atomically
from vconsole.tui.background.calls import in_background
from vconsole.tui.requests.exchange import Exchange

SCHEMA = 1
KEPT = 500
LARGEST_FILE_BYTES = 4 << 20
LARGEST_ENTRY_BYTES = 512 << 10
PATIENCE_S = 2.0


@dataclass(frozen=True, slots=True)
class _Content:
    schema: int = SCHEMA
    asked: tuple[msgspec.Raw, ...] = ()


def asked_path() -> Path:
    return paths.state_dir() / "asked.json"


class AskedFile:
    """Reads at once and writes in a thread of its own; `fault` hears of what could not be kept."""

    def __init__(self, fault: Callable[[VConsoleError], object]) -> None:
        self.path = asked_path()
        self._fault = fault
        self._pending: dict[str, bytes] = {}
        self._turn = threading.Lock()
        self._writer: threading.Thread | None = None

    def load(self) -> list[Exchange]:
        """What was asked, oldest first, numbered from 1; entries of another form are left out."""
        try:
            found = list(self._entries())
        except OSError as error:
            self._fault(_cannot("read", self.path, error))
            return []
        return [_numbered(one, number) for number, one in enumerate(found, 1)]

    def keep(self, exchange: Exchange) -> None:
        """Add an exchange, or bring it up to date; what is too large is not kept."""
        entry = msgspec.json.encode(exchange)
        if len(entry) > LARGEST_ENTRY_BYTES:
            return
        with self._turn:
            self._pending[exchange.id] = entry
            if self._writer is None:
                self._writer = in_background("asked", self._write_pending)

    def forget(self) -> None:
        """Remove the file."""
        self.flush()
        if not self.path.exists():
            return
        try:
            with self._locked():
                self.path.unlink(missing_ok=True)
        except OSError as error:
            raise _cannot("remove", self.path, error) from error

    def flush(self) -> None:
        """Wait a moment for what is being written."""
        writer = self._writer
        if writer is not None:
            writer.join(PATIENCE_S)

    def _write_pending(self) -> None:
        while True:
            with self._turn:
                pending, self._pending = self._pending, {}
                if not pending:
                    self._writer = None
                    return
            try:
                self._write(pending)
            except OSError as error:
                self._fault(_cannot("write", self.path, error))
            except VConsoleError as error:
                self._fault(error)

    def _write(self, pending: dict[str, bytes]) -> None:
        paths.private_folder(self.path.parent)
        with self._locked():
            known = {one.id: msgspec.json.encode(one) for one in self._entries()}
            kept = _bounded((known | pending).values())
            content = _Content(asked=tuple(msgspec.Raw(entry) for entry in kept))
            write_atomically(self.path, msgspec.json.encode(content))

    def _entries(self) -> Iterator[Exchange]:
        for raw in self._content().asked:
            try:
                yield msgspec.json.decode(raw, type=Exchange)
            except (msgspec.MsgspecError, UnicodeDecodeError):
                continue

    def _content(self) -> _Content:
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=_Content)
        except FileNotFoundError:
            return _Content()
        except (msgspec.MsgspecError, UnicodeDecodeError):
            set_aside(self.path)
            return _Content()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        lock = self.path.with_suffix(".lock")
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _numbered(exchange: Exchange, number: int) -> Exchange:
    """One whose console ended before it did counts as stopped."""
    return replace(exchange.stop(), number=number)


def _bounded(entries: Iterable[bytes]) -> list[bytes]:
    """The newest that there is room for, oldest first."""
    kept: list[bytes] = []
    size_bytes = 0
    for entry in reversed(list(entries)[-KEPT:]):
        size_bytes += len(entry)
        if size_bytes > LARGEST_FILE_BYTES:
            break
        kept.append(entry)
    return kept[::-1]


def _cannot(verb: str, path: Path, error: OSError) -> VConsoleError:
    return VConsoleError(
        f"cannot {verb} the history of requests {path}: {error.strerror or error}",
        "see whether the disk is full or read-only",
    )
