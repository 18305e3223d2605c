"""A growing log file as an index of line starts: nine bytes a line in memory, text read on demand.

Lines are numbered from 0. A last line without a newline counts, since progress bars write such.
"""

from __future__ import annotations

import os
import re
import time
from array import array
from bisect import bisect_left
from pathlib import Path

from vconsole.engine.log.logline import LogLevel, LogLine, parse
from vconsole.engine.log.phases import PHASES, phase_opened
from vconsole.supervisor.logs.log_parts import live_begin
from vconsole.supervisor.logs.log_secrets import redactor_of
from vconsole.tui.logs.folds import TRACEBACK as BEGINS_TRACEBACK
from vconsole.tui.logs.folds import Folds, is_frame
from vconsole.tui.logs.tail import decoded

CHUNK_BYTES = 128 << 10
LONGEST_LINE_BYTES = 16 << 10
HEAD_BYTES = 2048
# A start is told in some hundred lines.
START_LINES = 5000
LEVEL = re.compile(
    rb'"levelname": ?"(DEBUG|INFO|WARNING|ERROR|CRITICAL)"'
    rb"|^(?:\x1b\[[0-9;]*m)*(?:\([A-Za-z][^)]* pid=\d+\) ?)?(?:\x1b\[[0-9;]*m)*"
    rb"(DEBUG|INFO|WARNING|ERROR|CRITICAL)\b"
)
TRACEBACK = re.compile(
    rb"^(?:\([^)]* pid=\d+\) |\[rank\d+\]: ?)*Traceback \(most recent call last\)"
)
INSIDE = re.compile(
    rb"^(?:\([^)]* pid=\d+\) ?|\[rank\d+\]: ?)*(?:\s|[\w.]+(?:Error|Exception)\b|$)"
)


class LogFile:
    """One file; `poll` takes in what was appended, and starts anew where it was replaced."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.generation = 0
        self._forget(0)

    def _forget(self, begin_bytes: int) -> None:
        self._redact = redactor_of(self.path)
        self._starts = array("Q", [begin_bytes])
        self._levels = array("B")
        self._identity: tuple[int, int] | None = None
        self._indexed_bytes = begin_bytes
        self._in_traceback = self._in_frames = False
        self._head = b""
        self.size_bytes = 0
        self.folds = Folds()
        self.phases: dict[int, str] = {}

    def __len__(self) -> int:
        unended = not self.behind and self.size_bytes > self._starts[-1]
        return len(self._levels) + (1 if unended else 0)

    @property
    def share_indexed(self) -> float:
        return self._indexed_bytes / self.size_bytes if self.size_bytes else 1.0

    @property
    def behind(self) -> bool:
        """Whether there is text that `poll` has not indexed yet."""
        return self._indexed_bytes < self.size_bytes

    def poll(self, budget_s: float = 0.05) -> bool:
        """Index new text for about `budget_s`; True where anything changed."""
        until = time.monotonic() + budget_s
        try:
            with self.path.open("rb") as file:
                found = os.fstat(file.fileno())
                identity = (found.st_dev, found.st_ino)
                changed = self._notice(identity, found.st_size, live_begin(self.path))
                file.seek(self._indexed_bytes)
                while self.behind:
                    self._take(file.read(min(CHUNK_BYTES, self.size_bytes - self._indexed_bytes)))
                    if time.monotonic() > until:
                        break
                return changed
        except OSError:
            changed = len(self) > 0
            self._forget(0)
            return changed

    def _notice(self, identity: tuple[int, int], size_bytes: int, begin_bytes: int) -> bool:
        moved = begin_bytes != self._starts[0]
        if self._identity != identity or size_bytes < self.size_bytes:
            self._forget(begin_bytes)
            self._identity = identity
            self.generation += 1
        elif moved:
            self._drop_before(begin_bytes)
        changed = size_bytes != self.size_bytes or self.behind or moved
        self.size_bytes = size_bytes
        return changed

    def _drop_before(self, begin_bytes: int) -> None:
        """Leave out the lines that went into an archive; those after them are numbered anew."""
        number = bisect_left(self._starts, begin_bytes)
        if number == len(self._starts) or begin_bytes < self._starts[0]:
            identity = self._identity
            self._forget(begin_bytes)
            self._identity = identity
        del self._starts[:number], self._levels[:number]
        self.folds.drop_before(number)
        self.phases = {at - number: name for at, name in self.phases.items() if at >= number}
        self.generation += 1

    def _take(self, chunk: bytes) -> None:
        """Index the lines that end in the chunk; the head of the last one waits for its end."""
        if not chunk:
            self.size_bytes = self._indexed_bytes
            return
        begin = 0
        while (end := chunk.find(b"\n", begin)) >= 0:
            head = self._head + chunk[begin : min(end, begin + HEAD_BYTES)]
            self._note(len(self._levels), head)
            self._levels.append(self._level(head[:HEAD_BYTES]))
            self._head = b""
            begin = end + 1
            self._starts.append(self._indexed_bytes + begin)
        self._head = (self._head + chunk[begin : begin + HEAD_BYTES])[:HEAD_BYTES]
        self._indexed_bytes += len(chunk)

    def _note(self, number: int, head: bytes) -> None:
        """Fold the frames of a traceback, and mark where a phase of the start begins."""
        if self._in_frames and is_frame(head):
            self.folds.hide(number)
            return
        self._in_frames = not head.startswith(b"{") and BEGINS_TRACEBACK in head
        if number < START_LINES:
            self._note_phase(number, head)

    def _note_phase(self, number: int, head: bytes) -> None:
        before = next(reversed(self.phases.values()), None)
        phase = phase_opened(head) if number else PHASES[0]
        if phase is not None and before not in (phase, PHASES[-1]):
            self.phases[number] = phase

    def _level(self, text: bytes) -> int:
        """The line's own level; a traceback and what belongs to it are errors; 0 is none."""
        if found := LEVEL.search(text):
            self._in_traceback = False
            return int(LogLevel[(found[1] or found[2]).decode()])
        if TRACEBACK.match(text):
            self._in_traceback = True
        elif self._in_traceback and not INSIDE.match(text):
            self._in_traceback = False
        return int(LogLevel.ERROR) if self._in_traceback else 0

    def level(self, number: int) -> int:
        """The level of a line, 0 where it has none."""
        return self._levels[number] if number < len(self._levels) else 0

    def first_error(self, after: int = -1) -> int | None:
        """The next line of level error or worse after `after`; None where there is none.

        A traceback is one error, however many lines it has.
        """
        for number in range(after + 1, len(self._levels)):
            if self._levels[number] >= LogLevel.ERROR and not self._goes_on(number):
                return number
        return None

    def _goes_on(self, number: int) -> bool:
        """Whether the line is of the traceback before it."""
        return self.folds.is_hidden(number) or self.folds.is_hidden(number - 1)

    def text(self, number: int) -> str:
        """A line's text, cut at 16 KiB; a later part of a longer one is dropped."""
        texts = self.texts(number, number + 1)
        return texts[0] if texts else ""

    def texts(self, first: int, end: int) -> list[str]:
        """The text of lines `first` to before `end`, in one reading."""
        end = min(end, len(self))
        if first >= end:
            return []
        begins = [self._starts[number] for number in range(first, end)]
        last = self._starts[end] if end < len(self._starts) else self.size_bytes
        try:
            with self.path.open("rb") as file:
                return [
                    decoded(
                        os.pread(file.fileno(), min(stop - begin, LONGEST_LINE_BYTES), begin),
                        self._redact,
                    )
                    for begin, stop in zip(begins, [*begins[1:], last], strict=True)
                ]
        except OSError:
            return [""] * len(begins)

    def line(self, number: int) -> LogLine:
        return parse(self.text(number))
