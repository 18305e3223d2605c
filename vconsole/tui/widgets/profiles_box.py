"""The profiles, and of the chosen one its command or what differs from what runs."""

from __future__ import annotations

from collections.abc import Sequence

from vconsole.models.profiles import Profile
from vconsole.supervisor.tuning.deciding import BEFORE
from vconsole.tui.drawing.text import Line, Role, fit, line, wrap
from vconsole.tui.widgets.panel import Panel

NAME_CELLS = 20
NOTHING = "No profile yet: n makes one of the server that runs, `vconsole profile` does the same."


class ProfilesBox(Panel):
    """`details` are the rows under the list, `chosen` a position in it."""

    def __init__(self, profiles: dict[str, Profile]) -> None:
        super().__init__()
        self.profiles = dict(sorted(profiles.items()))
        self.chosen = 0
        self.details: tuple[str, ...] = ()

    @property
    def name_chosen(self) -> str | None:
        names = list(self.profiles)
        return names[self.chosen] if names else None

    def heading(self) -> tuple[Line, Line]:
        keys = [("enter", "starts"), ("e", "edits"), ("n", "new"), ("d", "diff"), ("y", "copies")]
        if f"{self.name_chosen}{BEFORE}" in self.profiles:
            keys = [*keys[:2], ("b", "before tune"), *keys[3:]]
        shown = [line((key, Role.KEY), (f" {word}  ", Role.DIM)) for key, word in keys]
        return line(("Profiles", Role.STRONG)), line(*shown, ("esc", Role.KEY))

    def take(self, profiles: dict[str, Profile]) -> None:
        self.profiles = dict(sorted(profiles.items()))
        self.move(0)

    def move(self, step: int) -> None:
        self.chosen = (self.chosen + step) % max(1, len(self.profiles))
        self.details = ()
        self.redraw()

    def body(self, width: int, height: int) -> Sequence[Line]:
        if not self.profiles:
            return [line((row, Role.DIM)) for row in wrap(NOTHING, width)]
        details = [row for text in self.details for row in self._detail(text, width)]
        room = max(1, height - min(len(details), height // 2) - 1)
        top = max(0, min(self.chosen - room // 2, len(self.profiles) - room))
        rows = [
            self._row(index, name, profile, width)
            for index, (name, profile) in enumerate(self.profiles.items())
        ]
        return [*rows[top : top + room], (), *details]

    def _row(self, index: int, name: str, profile: Profile, width: int) -> Line:
        here = index == self.chosen
        left = line(
            (f"{self.glyphs.arrow if here else ' '} ", Role.ACCENT),
            (name, Role.STRONG if here else Role.TEXT),
        )
        flags = " ".join(profile.arguments())
        right = line(profile.model.rpartition("/")[2], (f"  {flags}", Role.DIM))
        ellipsis = self.glyphs.ellipsis
        return line(
            fit(left, NAME_CELLS, ellipsis), fit(right, max(1, width - NAME_CELLS), ellipsis)
        )

    def _detail(self, text: str, width: int) -> list[Line]:
        roles = {"+ ": Role.GOOD, "- ": Role.BAD}
        return [line((row, roles.get(text[:2], Role.DIM))) for row in wrap(text, width)]
