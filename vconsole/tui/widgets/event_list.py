"""The kept events, newest last; only the rows in sight are drawn."""

from __future__ import annotations

from collections.abc import Sequence

from vconsole.supervisor.telling.event import Event, Severity
from vconsole.tui.drawing import figures
from vconsole.tui.drawing.looks import Look
from vconsole.tui.drawing.text import Line, Role, fit, line
from vconsole.tui.events.selection import EventSelection
from vconsole.tui.widgets.marked_list import MarkedList

LOOKS = {
    Severity.INFO: Look("info", "between", Role.DIM),
    Severity.WARNING: Look("warning", "warning", Role.WARN),
    Severity.ERROR: Look("error", "cross", Role.BAD),
}
KIND_CELLS = 12
SERVER_CELLS = 13
WIDE = 100


class EventList(MarkedList):
    """`every` is what is known, `shown` what the selection takes of it."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.every: list[Event] = []
        self.shown: list[Event] = []
        self.selection = EventSelection()
        self.asked = False

    @property
    def count(self) -> int:
        return len(self.shown)

    @property
    def last_id(self) -> int | None:
        """None until the first answer came."""
        if not self.asked:
            return None
        return self.every[-1].id if self.every else 0

    @property
    def marked(self) -> Event | None:
        return self.shown[min(self.cursor, self.count - 1)] if self.shown else None

    def add(self, events: Sequence[Event]) -> None:
        """Take in what came; what is known already is left out."""
        last = self.last_id or 0
        new = [event for event in events if event.id > last]
        self.asked = True
        self.every += new
        self.shown += self.selection.of(new)
        self.settle()

    def select(self, selection: EventSelection) -> None:
        """Show others, keeping the marked one in sight where it is among them."""
        marked = self.marked
        self.selection = selection
        self.shown = selection.of(self.every)
        if marked is not None and not self.following:
            before = [event for event in self.shown if event.id <= marked.id]
            self.cursor = max(0, len(before) - 1)
            self.top = max(0, self.cursor - self.size.height // 2)
        self.settle()

    def rows(self, width: int, height: int) -> Sequence[Line]:
        if not self.shown:
            return [(), *(line(f"  {text}") for text in self._nothing())]
        return [
            line(
                fit(self._row(event, self.top + y, width), width - 2, self.glyphs.ellipsis),
                " ",
                self.scroll_bar_cell(y, height),
            )
            for y, event in enumerate(self.shown[self.top : self.top + height])
        ]

    def _nothing(self) -> Sequence[str]:
        if not self.asked:
            return ("One moment: asking the supervisor.",)
        if self.every:
            events = figures.plural(len(self.every), "event")
            return (f"None of {events} matches.", "esc shows all again.")
        return (
            "Nothing has happened yet.",
            "Starts and stops, crashes and restarts, throttling, preemption storms, Ollama on the",
            "card and smoke tests are told here, and kept.",
        )

    def _row(self, event: Event, position: int, width: int) -> Line:
        marked = position == self.cursor and not self.following
        look = LOOKS[event.severity]
        at = event.at.astimezone().strftime("%m-%d %H:%M:%S")
        role = Role.STRONG if marked else look.role if event.severity != "info" else Role.TEXT
        server = event.server or self.glyphs.unknown
        wide = fit(line((server, Role.DIM)), SERVER_CELLS - 1, self.glyphs.ellipsis)
        return line(
            (self.glyphs.arrow if marked else " ", Role.ACCENT),
            (f"{at} ", Role.FAINT),
            (f"{look.symbol(self.glyphs)} ", look.role),
            fit(line((event.kind, Role.DIM)), KIND_CELLS, self.glyphs.ellipsis),
            line(wide, " ") if width >= WIDE else (),
            (event.text, role),
        )
