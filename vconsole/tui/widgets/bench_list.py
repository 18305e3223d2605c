"""The kept benches, the newest first; one is marked, and one may be held to compare with."""

from __future__ import annotations

from collections.abc import Sequence

from vconsole.tui.actions import key_for
from vconsole.tui.drawing import figures
from vconsole.tui.drawing.text import Line, Role, cells, fit, line
from vconsole.tui.rows.bench_look import BenchRow, loads_words
from vconsole.tui.widgets.pick_list import PickList


class BenchList(PickList[BenchRow]):
    """`held` is the id of the one to compare with."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id)
        self.held: str | None = None

    def name_of(self, item: BenchRow) -> str:
        return item.id

    def heading(self) -> tuple[Line, Line]:
        note = f"{self.held} is held to compare with" if self.held else ""
        if not note and self.items:
            note = f"{len(self.items)} kept"
        return line(("Benches", Role.STRONG)), line((note, Role.DIM)) if note else ()

    def body(self, width: int, height: int) -> Sequence[Line]:
        if self.items is None or self.view is None:
            return [line(("One moment: reading what is kept.", Role.DIM))]
        if not self.items:
            key = key_for(self.view, "bench.new")
            return [
                line("No bench yet.  ", (key, Role.KEY), (" measures this server, or:", Role.DIM)),
                line(("vconsole bench --concurrency 1,8,32", Role.STRONG)),
            ]
        shown = self.in_sight(height)
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
