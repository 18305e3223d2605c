"""Paths completed as a shell does: as far as all that begin so agree."""

from __future__ import annotations

import os
from pathlib import Path

MOST_SHOWN = 12


def completed(text: str) -> tuple[str, tuple[str, ...]]:
    """The text as far as it is certain, and the names that it may become where there are several.

    A folder ends with a slash. What cannot be read completes to nothing more.
    """
    folder, start = os.path.split(text)
    try:
        entries = sorted(os.scandir(Path(folder or ".").expanduser()), key=lambda one: one.name)
        names = [one.name + ("/" if one.is_dir() else "") for one in entries]
    except OSError:
        return text, ()
    found = [n for n in names if n.startswith(start) and (start or not n.startswith("."))]
    if not found:
        return text, ()
    first, last = min(found), max(found)
    certain = first[: _agreeing(first, last)]
    whole = f"{folder.rstrip('/')}/{certain}" if folder else certain
    return whole, tuple(found[:MOST_SHOWN]) if len(found) > 1 else ()


def _agreeing(one: str, other: str) -> int:
    """How many characters both begin with."""
    pairs = enumerate(zip(one, other, strict=False))
    shorter = min(len(one), len(other))
    return next((place for place, (left, right) in pairs if left != right), shorter)
