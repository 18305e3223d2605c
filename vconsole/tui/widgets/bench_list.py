"""The kept benches, the newest first; one is marked, and one may be held to compare with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from vconsole.tui import figures
from vconsole.tui.actions import key_for
from vconsole.tui.bench_look import BenchRow, loads_words
from vconsole.tui.text import Line, Role, cells, fit, line
from vconsole.tui.widgets.panel import Panel

WHEEL_ROWS = 3


class BenchList(Panel, can_focus=True):
    """`cursor` is a position in `benches`; None until they were read."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "move(-10)", show=False),
        Binding("pagedown", "move(10)", show=False),
        Binding("home", "move(-100000)", show=False),
        Binding("end", "move(100000)", show=False),
    ]

    class Moved(Message):
        """Another bench is marked."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.benches: tuple[BenchRow, ...] | None = None
        self.held: str | None = None
        self.cursor = 0
        self.top = 0

    @property
    def marked(self) -> BenchRow | None:
        return self.benches[min(self.cursor, len(self.benches) - 1)] if self.benches else None

    def show_benches(self, benches: tuple[BenchRow, ...]) -> None:
        """Draw them, keeping the marked one marked wherever it stands now."""
        before = self.marked
        self.benches = benches
        self.cursor = min(self.cursor, max(0, len(benches) - 1))
        if before is not None:
            self.mark(before.id)
        self.redraw()

    def mark(self, bench_id: str) -> bool:
        """Whether it is there."""
        ids = [bench.id for bench in self.benches or ()]
        if bench_id not in ids:
            return False
        self.cursor = ids.index(bench_id)
        self.redraw()
        return True

    def heading(self) -> tuple[Line, Line]:
        note = f"{self.held} is held to compare with" if self.held else ""
        if not note and self.benches:
            note = f"{len(self.benches)} kept"
        return line(("Benches", Role.STRONG)), line((note, Role.DIM)) if note else ()

    def body(self, width: int, height: int) -> Sequence[Line]:
        if self.benches is None or self.view is None:
            return [line(("One moment: reading what is kept.", Role.DIM))]
        if not self.benches:
            key = key_for(self.view, "bench.new")
            return [
                line("No bench yet.  ", (key, Role.KEY), (" measures this server, or:", Role.DIM)),
                line(("vconsole bench --concurrency 1,8,32", Role.STRONG)),
            ]
        self.top = max(self.cursor - height + 1, min(self.top, self.cursor))
        self.top = max(0, min(self.top, len(self.benches) - height))
        shown = self.benches[self.top : self.top + height]
        return [self._row(row, width, self.top + y) for y, row in enumerate(shown)]

    def _row(self, row: BenchRow, width: int, position: int) -> Line:
        look, now = row.look, self.view.now if self.view else row.bench.begun_at
        role = Role.MARKED if position == self.cursor else Role.TEXT
        held = self.glyphs.arrow if row.id == self.held else " "
        far = f"{figures.percent(row.share):>6}{row.left:>8}" if row.is_under_way else ""
        head = line(
            (f"{look.symbol(self.glyphs)} ", look.role),
            (f"{row.id:<5}", role),
            (held, Role.ACCENT),
            (f"{look.word:<11}", look.role),
            (f"{row.when(now):<8}", role),
        )
        rest = f"{' / '.join(row.bench.spec.contenders)}  at {loads_words(row.bench)}"
        note = f"  {row.bench.spec.note}" if row.bench.spec.note else ""
        room = max(0, width - cells(head) - len(far))
        told = fit(line((rest, role), (note, Role.DIM)), room, self.glyphs.ellipsis)
        return line(head, told, (far, role))

    def action_move(self, step: int) -> None:
        last = max(0, len(self.benches or ()) - 1)
        self.cursor = max(0, min(self.cursor + step, last))
        self.redraw()
        self.post_message(self.Moved())

    def on_mouse_scroll_up(self) -> None:
        self.action_move(-WHEEL_ROWS)

    def on_mouse_scroll_down(self) -> None:
        self.action_move(WHEEL_ROWS)

    def on_click(self, event: events.Click) -> None:
        at = event.y - 1 + self.top
        if event.y >= 1 and at < len(self.benches or ()):
            self.action_move(at - self.cursor)
