"""Values out of what was typed into a field; what makes no sense is a ValueError."""

from __future__ import annotations


def count_of(text: str) -> int:
    """A whole number from 1 on."""
    value = int(text)
    if value < 1:
        raise ValueError(text)
    return value


def number_of(text: str) -> float:
    """A number from 0 up to a million."""
    value = float(text)
    if not 0 <= value < 1e6:
        raise ValueError(text)
    return value
