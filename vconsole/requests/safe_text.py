"""What a model wrote, made safe to show: it may hold sequences that act on a terminal."""

from __future__ import annotations

SHOWN_FOR_CONTROL = "·"
# C0 without tab and line feed, DEL, C1; then the marks that turn the writing direction.
_CONTROLS = [*range(9), *range(11, 32), *range(127, 160)]
_DIRECTIONS = [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]
_SAFE = dict.fromkeys([*_CONTROLS, *_DIRECTIONS], SHOWN_FOR_CONTROL)


def safe(text: str) -> str:
    """The text, as long as before, with a dot for each control character."""
    return text if text.isprintable() else text.translate(_SAFE)
