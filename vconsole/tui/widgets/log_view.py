"""The visible part of a log, read from the file as it is drawn; holds no text but that."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from textual import events

from vconsole.engine.log.logline import LogLevel, LogLine, parse
from vconsole.tui.drawing.looks import log_gutter, log_line, message_role
from vconsole.tui.drawing.text import Line, Role, Span, cells, fit, line, wrap
from vconsole.tui.logs.logfile import LogFile
from vconsole.tui.logs.selection import LogSelection
from vconsole.tui.widgets.marked_list import MarkedList

parse_cached = lru_cache(maxsize=512)(parse)
SHIFT_CELLS = 20


class LogView(MarkedList):
    """`cursor` is a position in the selection; following keeps it at the end."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.file: LogFile | None = None
        self.selection: LogSelection | None = None
        self.wrapping = False
        self.shift = 0

    def open(self, path: Path) -> None:
        self.file = LogFile(path)
        level = self.selection.level if self.selection else None
        text = self.selection.text if self.selection else ""
        self.selection = LogSelection(self.file, level, text, not self.wrapping)
        self.following, self.top, self.cursor, self.seen = True, 0, 0, 0
        self.poll()

    def close(self) -> None:
        """Show nothing, as for a server that has no log."""
        self.file = self.selection = None
        self.settle()

    def poll(self) -> None:
        """Take in what was appended and draw it; cheap where nothing was."""
        if self.file is None or self.selection is None:
            return
        grown = self.file.poll()
        found = self.selection.advance()
        if grown or found:
            self.settle()

    def select(self, level: LogLevel | None, text: str) -> None:
        """Show other lines, keeping the marked one in sight where it is among them."""
        if self.file is None or self.selection is None:
            return
        number = self.marked_number()
        self.selection = LogSelection(self.file, level, text, not self.wrapping)
        self.selection.advance()
        if not self.following and number is not None:
            self.cursor = self.selection.position(number)
            self.top = max(0, self.cursor - self.size.height // 2)
        self.settle()

    def go_to(self, number: int) -> None:
        """Mark the line with this number, in the middle of the view."""
        if self.selection is None:
            return
        self.following = False
        self.cursor = self.selection.position(number)
        self.top = max(0, self.cursor - self.size.height // 3)
        self.settle()

    @property
    def count(self) -> int:
        return len(self.selection) if self.selection else 0

    @property
    def behind(self) -> bool:
        """Whether there is text that has not been looked at yet."""
        if self.file is None or self.selection is None:
            return False
        return self.file.behind or self.selection.share_scanned < 1

    def marked_number(self) -> int | None:
        """Number of the marked line in the file."""
        if self.selection is None or not self.count:
            return None
        return self.selection.number(min(self.cursor, self.count - 1))

    def _nothing(self) -> str:
        if self.file is None or not len(self.file):
            return "No log yet: the first start of a server begins it."
        return "No line matches; / changes the filter, v the level."

    def rows(self, width: int, height: int) -> Sequence[Line]:
        if self.selection is None or self.file is None or not self.count:
            return (line((f" {self._nothing()}", Role.DIM)),)
        inner = width - 2
        rows = self._entries(inner, height)
        return [
            line(fit(row, inner, self.glyphs.ellipsis), " ", self.scroll_bar_cell(y, height))
            for y, row in enumerate(rows)
        ]

    def _entries(self, width: int, height: int) -> list[Line]:
        """The rows of the visible entries; with wrapping, from the end when the cursor is there."""
        end = min(self.count, self.top + height)
        texts = self._texts(self.top, end)
        blocks = [
            self._with_phase(self._entry(parse_cached(text), self.top + i, width), i, width)
            for i, text in enumerate(texts)
        ]
        over = sum(len(block) for block in blocks) - height
        while over > 0 and self.cursor > self.top and blocks:
            before = sum(len(block) for block in blocks[: self.cursor - self.top + 1])
            if before <= height:
                break
            over -= len(blocks.pop(0))
            self.top += 1
        return [row for block in blocks for row in block][:height]

    def _texts(self, first: int, end: int) -> list[str]:
        if self.selection is None or self.file is None or first >= end:
            return []
        numbers = [self.selection.number(position) for position in range(first, end)]
        if numbers[-1] - numbers[0] == len(numbers) - 1:
            return self.file.texts(numbers[0], numbers[-1] + 1)
        return [self.file.text(number) for number in numbers]

    def _with_phase(self, rows: list[Line], index: int, width: int) -> list[Line]:
        """At the right of the line that begins a phase of the start: its name."""
        if self.selection is None or self.file is None or not rows:
            return rows
        phase = self.file.phases.get(self.selection.number(self.top + index))
        if phase is None:
            return rows
        tag = line(" ", (f"{self.glyphs.horizontal} {phase}", Role.ACCENT))
        room = width - cells(tag)
        return [line(fit(rows[0], room, self.glyphs.ellipsis), tag), *rows[1:]]

    def _entry(self, entry: LogLine, position: int, width: int) -> list[Line]:
        marked = position == self.cursor and not self.following
        lead = (self.glyphs.arrow if marked else " ", Role.ACCENT)
        if not self.wrapping:
            shown = log_line(entry, width, self.glyphs, self._folded(position))
            gutter, message = shown[:-2], shown[-2:]
            return [line(lead, gutter, self._hits(_shifted(line(*message), self.shift), marked))]
        gutter = log_gutter(entry, width, self.glyphs)
        indent = cells(gutter)
        role = message_role(entry)
        rows = wrap(entry.message, width - indent - 1)
        return [
            line(
                lead if i == 0 else " ",
                gutter if i == 0 else " " * indent,
                self._hits(line((row, role)), marked),
            )
            for i, row in enumerate(rows)
        ]

    def _folded(self, position: int) -> int:
        """How many lines are folded away under the one at that position."""
        if self.selection is None or self.file is None or self.selection.pattern:
            return 0
        return self.file.folds.under(self.selection.number(position))

    def _hits(self, content: Line, marked: bool) -> Line:
        """Mark what the filter found; the marked line is drawn strong."""
        pattern = self.selection.pattern if self.selection else None
        spans: list[Span] = []
        for text, role in content:
            shown = Role.STRONG if marked and role is Role.TEXT else role
            spans += _split(text, shown, pattern) if pattern else [(text, shown)]
        return tuple(spans)

    def on_key(self, event: events.Key) -> None:
        if event.key not in ("left", "right"):
            return
        self.shift = max(0, self.shift + (SHIFT_CELLS if event.key == "right" else -SHIFT_CELLS))
        self.redraw()
        event.stop()


def _shifted(content: Line, by: int) -> Line:
    """Without the first `by` characters."""
    kept: list[Span] = []
    for text, role in content:
        kept.append((text[by:], role))
        by = max(0, by - len(text))
    return tuple(span for span in kept if span[0])


def _split(text: str, role: Role, pattern: re.Pattern[str]) -> list[Span]:
    spans: list[Span] = []
    done = 0
    for found in pattern.finditer(text):
        if found.end() > found.start():
            spans += [(text[done : found.start()], role), (found[0], Role.MARKED)]
            done = found.end()
    return [span for span in [*spans, (text[done:], role)] if span[0]]
