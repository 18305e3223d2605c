"""A terminal for a benchmark: runs a program in a pty, keeps what it writes and when.

Nothing is interpreted while the program runs, so that looking costs it nothing.
"""

from __future__ import annotations

import fcntl
import os
import re
import select
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

ESCAPE = re.compile(
    rb"\x1b(?:\[[0-9;:?<=>!$ ]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[PX^_].*?\x1b\\|.)"
)
POLL_S = 0.005
LEAVE_S = 10.0


@dataclass(frozen=True, slots=True)
class Size:
    columns: int
    rows: int

    def __str__(self) -> str:
        return f"{self.columns}x{self.rows}"


class Terminal:
    """A program from its start on; `q` ends it when the block is left."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], size: Size) -> None:
        self._master, slave = os.openpty()
        window = struct.pack("HHHH", size.rows, size.columns, 0, 0)
        fcntl.ioctl(slave, termios.TIOCSWINSZ, window)
        self._written: list[tuple[float, bytes]] = []
        self._over = threading.Event()
        self._begun_s = time.perf_counter()
        self.child = subprocess.Popen(
            command,
            env={**environment, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            os.write(self._master, b"q")
            self.child.wait(LEAVE_S)
        except (OSError, subprocess.TimeoutExpired):
            self.child.kill()
            self.child.wait()
        finally:
            self._over.set()
            self._reader.join()
            os.close(self._master)

    @property
    def pid(self) -> int:
        return self.child.pid

    def until_shown(self, words: Sequence[str], timeout_s: float = 60.0) -> float:
        """Milliseconds from the spawn to the write that completed all the words."""
        deadline_s = time.perf_counter() + timeout_s
        while time.perf_counter() < deadline_s:
            written = list(self._written)
            if _holds(written, words):
                return next(
                    at_s * 1e3
                    for count, (at_s, _) in enumerate(written, 1)
                    if _holds(written[:count], words)
                )
            time.sleep(POLL_S)
        text = _text(self._written)[-400:]
        raise RuntimeError(f"not shown within {timeout_s:.0f} s: {words}; it wrote {text!r}")

    def press(self, key: bytes) -> None:
        os.write(self._master, key)

    def bytes_written(self) -> int:
        return sum(len(chunk) for _, chunk in self._written)

    def _read(self) -> None:
        while not self._over.is_set():
            if not select.select([self._master], [], [], 0.1)[0]:
                continue
            try:
                chunk = os.read(self._master, 1 << 16)
            except OSError:  # the program has closed the other end
                return
            self._written.append((time.perf_counter() - self._begun_s, chunk))


def _holds(written: Sequence[tuple[float, bytes]], words: Sequence[str]) -> bool:
    text = _text(written)
    return all(word in text for word in words)


def _text(written: Sequence[tuple[float, bytes]]) -> str:
    return ESCAPE.sub(b"", b"".join(chunk for _, chunk in written)).decode(errors="replace")
