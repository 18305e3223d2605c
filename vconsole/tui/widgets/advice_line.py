"""The hint under the panels, its keys in the colour of keys."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.cells import cell_len

from vconsole.tui.actions import key_now
from vconsole.tui.advice.hint import advise
from vconsole.tui.drawing.text import Line, Role, line
from vconsole.tui.view import View
from vconsole.tui.widgets.canvas import Canvas

KEY_IN_TEXT = re.compile(r"(?<=[Pp]ress )(\S)(?= )|(?<=, )([a-zA-Z])(?= (?:to|for)\b)")


class AdviceLine(Canvas):
    def rows(self, width: int, height: int) -> Sequence[Line]:
        if self.view is None:
            return ()
        rows = []
        for index, sentence in enumerate(advise(self.view)[:height]):
            lead = f" {self.glyphs.arrow} " if index == 0 else "   "
            sentence = in_room(sentence, width - len(lead), self.glyphs.ellipsis)
            rows.append(line((lead, Role.ACCENT), *_with_keys(self.view, sentence, index == 0)))
        return rows


def in_room(sentence: str, room: int, ellipsis: str) -> str:
    """Cut before the key, at a full stop if that is enough: what can be pressed stays."""
    said, press, deed = sentence.rpartition(" Press ")
    if not press or cell_len(sentence) <= room:
        return sentence
    key = press + deed
    while cell_len(said + key) > room and ". " in said:
        said = said.rpartition(". ")[0] + "."
    if cell_len(said + key) > room:
        said = said[: max(0, room - cell_len(key + ellipsis))].rstrip() + ellipsis
    return said + key


def _with_keys(view: View, sentence: str, first: bool) -> list[tuple[str, Role]]:
    spans: list[tuple[str, Role]] = []
    done = 0
    role = Role.TEXT if first else Role.DIM
    for found in KEY_IN_TEXT.finditer(sentence):
        spans += [(sentence[done : found.start()], role), (key_now(view, found[0]), Role.KEY)]
        done = found.end()
    return [*spans, (sentence[done:], role)]
