"""Coloured text as plain data: a line is a tuple of (text, role), without any terminal in it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from enum import StrEnum
from itertools import groupby

from rich.cells import cell_len, set_cell_size


class Role(StrEnum):
    """What a piece of text is for; the theme decides how it looks."""

    TEXT = "text"
    STRONG = "strong"
    DIM = "dim"
    FAINT = "faint"
    LINE = "line"
    ACCENT = "accent"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    KEY = "key"
    GOOD_STRONG = "good-strong"
    WARN_STRONG = "warn-strong"
    BAD_STRONG = "bad-strong"
    SECOND = "second"
    MARKED = "marked"
    CHOSEN = "chosen"


Span = tuple[str, Role]
Line = tuple[Span, ...]


def line(*parts: str | Span | Line) -> Line:
    """Join strings (in the text role), spans and lines to one line."""
    spans: list[Span] = []
    for part in parts:
        if isinstance(part, str):
            spans.append((part, Role.TEXT))
        elif part and isinstance(part[0], str):
            spans.append((part[0], Role(part[1])))
        else:
            spans.extend(span for span in part if isinstance(span, tuple))
    return tuple(spans)


def cells(content: Line) -> int:
    """Width in terminal cells."""
    return sum(cell_len(text) for text, _ in content)


def plain(content: Line) -> str:
    return "".join(text for text, _ in content)


def fit(content: Line, width: int, ellipsis: str = "…") -> Line:
    """The line in exactly `width` cells: padded, or cut with an ellipsis."""
    missing = width - cells(content)
    if missing == 0:
        return content
    if missing > 0:
        return (*content, (" " * missing, Role.TEXT))
    return _cut(content, width, ellipsis)


def _cut(content: Line, width: int, ellipsis: str) -> Line:
    kept: list[Span] = []
    room = width - cell_len(ellipsis)
    if room < 0:
        return ((" " * width, Role.TEXT),)
    for text, role in content:
        length = cell_len(text)
        if length > room:
            kept.append((set_cell_size(text, room) + ellipsis, role))
            break
        kept.append((text, role))
        room -= length
    return tuple(kept)


def spread(left: Line, right: Line, width: int) -> Line:
    """`left` at the left and `right` at the right edge; the left one is cut where both are long."""
    room = max(0, width - cells(right))
    return (*fit(left, room), *right)


def columns(parts: Iterable[Line], widths: Iterable[int]) -> Line:
    """Each part fitted into its width, side by side."""
    return tuple(
        span for part, width in zip(parts, widths, strict=False) for span in fit(part, width)
    )


def grouped(spans: Iterable[Span]) -> Line:
    """Join neighbours of one role."""
    return tuple(
        ("".join(text for text, _ in run), role)
        for role, run in groupby(spans, key=lambda span: span[1])
    )


def wrap(text: str, width: int) -> list[str]:
    """Break at words, keeping the text's own line breaks and the indentation of each line."""
    width = max(1, width)
    rows: list[str] = []
    for paragraph in text.split("\n"):
        indent = paragraph[: len(paragraph) - len(paragraph.lstrip())][: width // 2]
        rows.extend(
            textwrap.wrap(
                paragraph,
                width,
                subsequent_indent=indent,
                replace_whitespace=False,
                drop_whitespace=True,
                break_on_hyphens=False,
            )
            or [""]
        )
    return rows


def wrapped(text: str, width: int, role: Role = Role.TEXT) -> list[Line]:
    return [((row, role),) for row in wrap(text, width)]


def sentence(text: str) -> str:
    """The text with a capital and a full stop; errors are written without."""
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?", "`")) else text + "."
