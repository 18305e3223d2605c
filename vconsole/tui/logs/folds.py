"""Which lines of a log are folded away: a traceback's frames, under the line that begins it."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left

TRACEBACK = b"Traceback (most recent call last)"
# What vLLM puts before each line of a text log; the frames stand indented behind it.
PREFIX = re.compile(
    rb"(?:\x1b\[[0-9;]*m|\([^)]* pid=\d+\) ?|\[rank\d+\]: ?)*"
    rb"(?:[A-Z]+ \d\d-\d\d \d\d:\d\d:\d\d \[[^\]]+\] ?)?"
)


def is_frame(line: bytes) -> bool:
    """Whether a line that follows the beginning of a traceback is a frame of it."""
    found = PREFIX.match(line)
    return line[found.end() if found else 0 :][:1] in (b" ", b"\t")


class Folds:
    """Runs of hidden lines, each under its head; line numbers count all lines, from 0."""

    def __init__(self) -> None:
        self._heads = array("I")
        # How many are hidden up to and with each run.
        self._hidden = array("I")

    @property
    def total(self) -> int:
        return self._hidden[-1] if self._hidden else 0

    def hide(self, number: int) -> None:
        """Hide a line below all that are hidden already; its head is the last that is not."""
        if self._heads and number == self._heads[-1] + self._length(len(self._heads) - 1) + 1:
            self._hidden[-1] += 1
        else:
            self._heads.append(number - 1)
            self._hidden.append(self.total + 1)

    def under(self, number: int) -> int:
        """How many lines are hidden under that one."""
        run = bisect_left(self._heads, number)
        return self._length(run) if self._heads[run : run + 1] == array("I", [number]) else 0

    def is_hidden(self, number: int) -> bool:
        run = bisect_left(self._heads, number) - 1
        return run >= 0 and number <= self._heads[run] + self._length(run)

    def position(self, number: int) -> int:
        """Where the line stands among those that are not hidden; a hidden one with its head."""
        run = bisect_left(self._heads, number) - 1
        if run < 0:
            return number
        return self._place(run) if self.is_hidden(number) else number - self._hidden[run]

    def number(self, position: int) -> int:
        """The line at that place among those that are not hidden."""
        run = bisect_left(range(len(self._heads)), position, key=self._place) - 1
        return position if run < 0 else position + self._hidden[run]

    def drop_before(self, number: int) -> None:
        """Forget the lines before that one, and number the others anew."""
        kept = [
            hidden - number
            for run, head in enumerate(self._heads)
            for hidden in range(head + 1, head + 1 + self._length(run))
            if hidden > number
        ]
        del self._heads[:], self._hidden[:]
        for hidden in kept:
            self.hide(hidden)

    def _length(self, run: int) -> int:
        return self._hidden[run] - (self._hidden[run - 1] if run else 0)

    def _place(self, run: int) -> int:
        return self._heads[run] - (self._hidden[run - 1] if run else 0)
