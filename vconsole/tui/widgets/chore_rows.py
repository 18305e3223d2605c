"""A command of ours that goes on in the background, or has ended: its last words in a few rows."""

from __future__ import annotations

import time

from vconsole.tui.background.chores import Chore
from vconsole.tui.drawing.glyphs import Glyphs
from vconsole.tui.drawing.text import Line, Role, fit, line

# What ended so long ago is no news.
SHOWN_S = 900.0


def chore_rows(chore: Chore | None, width: int, height: int, glyphs: Glyphs) -> list[Line]:
    """At most `height` rows; none where nothing ran lately."""
    if chore is None or (not chore.running and time.time() - chore.at > SHOWN_S):
        return []
    role, words = _state(chore)
    head = fit(line((words, role), f"  {chore.command}"), width, glyphs.ellipsis)
    said = [each for each in chore.said if not each.startswith("{")][-(height - 1) :]
    return [head, *(fit(line((f"  {each}", Role.DIM)), width, glyphs.ellipsis) for each in said)]


def _state(chore: Chore) -> tuple[Role, str]:
    if chore.running:
        return Role.ACCENT, "Going on"
    return (Role.BAD, "Failed") if chore.failed else (Role.GOOD, "Done")
