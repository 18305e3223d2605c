"""Which lines of a log file are shown: those of a level and with a text, found bit by bit."""

from __future__ import annotations

import re
import time
from array import array
from bisect import bisect_left

from vconsole.engine.log.logline import LogLevel, parse
from vconsole.tui.logs.logfile import LogFile

BATCH = 2000
BUDGET_S = 0.05
# Text that no regular expression and no JSON escape changes: it is looked for before parsing.
PLAIN = re.compile(r"[A-Za-z0-9 _/:-]+")


class LogSelection:
    """Line numbers in order; without level and pattern it is the whole file and costs nothing.

    With `folded` the frames of tracebacks are left out, but for what is looked for.
    """

    def __init__(
        self, file: LogFile, level: LogLevel | None = None, text: str = "", folded: bool = False
    ) -> None:
        self.file = file
        self.folded = folded
        self.level = level
        self.text = text
        self.pattern = compile_pattern(text)
        self._needle = text.lower() if PLAIN.fullmatch(text) else ""
        self._found = array("I")
        self._scanned = 0
        self._generation = file.generation

    @property
    def whole(self) -> bool:
        return self.level is None and self.pattern is None

    @property
    def share_scanned(self) -> float:
        return 1.0 if self.whole or not len(self.file) else self._scanned / len(self.file)

    def __len__(self) -> int:
        if not self.whole:
            return len(self._found)
        return len(self.file) - (self.file.folds.total if self.folded else 0)

    def number(self, position: int) -> int:
        """Line number at a position of the selection."""
        if not self.whole:
            return self._found[position]
        return self.file.folds.number(position) if self.folded else position

    def position(self, number: int) -> int:
        """The position of that line, or of the next one that is selected."""
        if not self.whole:
            return bisect_left(self._found, number)
        return self.file.folds.position(number) if self.folded else number

    def advance(self, budget_s: float = BUDGET_S) -> bool:
        """Scan on for at most `budget_s`; True where more lines were found."""
        if self._generation != self.file.generation:
            self._generation, self._scanned, self._found = self.file.generation, 0, array("I")
        before, until = len(self._found), time.monotonic() + budget_s
        while not self.whole and self._scanned < len(self.file) and time.monotonic() < until:
            end = min(len(self.file), self._scanned + BATCH)
            self._scan(self._scanned, end)
            self._scanned = end
        return len(self._found) != before

    def _scan(self, first: int, end: int) -> None:
        wanted = [
            n for n in range(first, end) if self.level is None or self.file.level(n) >= self.level
        ]
        if self.pattern is None:
            hidden = self.file.folds.is_hidden if self.folded else lambda _: False
            self._found.extend(n for n in wanted if not hidden(n))
            return
        texts = self.file.texts(first, end)
        self._found.extend(n for n in wanted if self._matches(texts[n - first]))

    def _matches(self, raw: str) -> bool:
        if self._needle and self._needle not in raw.lower():
            return False
        entry = parse(raw)
        return bool(self.pattern and self.pattern.search(f"{entry.process or ''} {entry.message}"))


def compile_pattern(text: str) -> re.Pattern[str] | None:
    """A regular expression, or the text itself where it is none; case counts where it is mixed."""
    if not text:
        return None
    flags = 0 if any(character.isupper() for character in text) else re.IGNORECASE
    try:
        return re.compile(text, flags)
    except re.error:
        return re.compile(re.escape(text), flags)
