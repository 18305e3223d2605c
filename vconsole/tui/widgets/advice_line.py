"""The hint under the panels, its keys in the colour of keys."""

from __future__ import annotations

import re
from collections.abc import Sequence

from vconsole.tui.advice import advise
from vconsole.tui.text import Line, Role, line
from vconsole.tui.widgets.canvas import Canvas

KEY_IN_TEXT = re.compile(r"(?<=[Pp]ress )(\S)(?= )|(?<=, )([a-zA-Z])(?= (?:to|for)\b)")


class AdviceLine(Canvas):
    def rows(self, width: int, height: int) -> Sequence[Line]:
        if self.view is None:
            return ()
        rows = []
        for index, sentence in enumerate(advise(self.view)[:height]):
            lead = f" {self.glyphs.arrow} " if index == 0 else "   "
            rows.append(line((lead, Role.ACCENT), *_with_keys(sentence, index == 0)))
        return rows


def _with_keys(sentence: str, first: bool) -> list[tuple[str, Role]]:
    spans: list[tuple[str, Role]] = []
    done = 0
    role = Role.TEXT if first else Role.DIM
    for found in KEY_IN_TEXT.finditer(sentence):
        spans += [(sentence[done : found.start()], role), (found[0], Role.KEY)]
        done = found.end()
    return [*spans, (sentence[done:], role)]
