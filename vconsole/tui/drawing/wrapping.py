"""Text broken into rows by the width of its glyphs, again only where it grew."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.cells import cell_len

from vconsole.requests.safe_text import safe

TAB = "    "
_WORDS = re.compile(r"\S+|\s+")


class GrowingText:
    """The rows of a text that is appended to: what was broken before stays as it is."""

    def __init__(self, width: int) -> None:
        self.width = max(2, width)
        self._text = ""
        self._rows: list[str] = []
        self._settled_rows = 0
        self._settled_characters = 0

    def rows(self, text: str) -> list[str]:
        text = safe(text.replace("\r\n", "\n").replace("\t", TAB))
        if text == self._text and self._rows:
            return self._rows
        if not text.startswith(self._text):
            self._settled_rows = self._settled_characters = 0
        del self._rows[self._settled_rows :]
        at = self._settled_characters
        for index, line in enumerate(text[at:].split("\n")):
            at += 1 if index else 0
            for piece in broken(line, self.width):
                self._settled_rows, self._settled_characters = len(self._rows), at
                self._rows.append(piece.rstrip())
                at += len(piece)
        self._text = text
        return self._rows


def broken(line: str, width: int) -> Iterator[str]:
    """One line in pieces of at most `width` cells, joined the same again.

    It breaks before words, and within those that are longer; spaces may hang over the edge.
    """
    begin, used = 0, 0
    for match in _WORDS.finditer(line):
        word, size = match.group(), cell_len(match.group())
        if word.isspace():
            used += size
            continue
        if used and used + size > width:
            yield line[begin : match.start()]
            begin, used = match.start(), 0
        while size > width:
            cut = _fitting(word, width)
            yield word[:cut]
            begin, word = begin + cut, word[cut:]
            size = cell_len(word)
        used += size
    yield line[begin:]


def _fitting(word: str, width: int) -> int:
    """How many characters fit, at least one."""
    head = word[:width]
    if head.isascii():
        return width
    cells = 0
    for count, character in enumerate(head):
        cells += cell_len(character)
        if cells > width:
            return max(1, count)
    return len(head)
