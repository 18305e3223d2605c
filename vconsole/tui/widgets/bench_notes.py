"""One page of what is told of a bench beside its table: differences, the server, and more."""

from __future__ import annotations

from collections.abc import Sequence

from vconsole.requests.bench.kept import Bench
from vconsole.tui.actions import key_for
from vconsole.tui.drawing.text import Line, Role, line
from vconsole.tui.rows.bench_pages import Draw, pages
from vconsole.tui.widgets.panel import Panel


class BenchNotes(Panel):
    """`page` is a position among the pages that this bench has."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.bench: Bench | None = None
        self.held: Bench | None = None
        self.page = 0

    def show_bench(self, bench: Bench | None, held: Bench | None, page: int) -> None:
        self.bench, self.held, self.page = bench, held, page
        self.redraw()

    @property
    def pages(self) -> dict[str, Draw]:
        return pages(self.bench, self.held) if self.bench else {}

    def heading(self) -> tuple[Line, Line]:
        titles = list(self.pages)
        if not titles or self.view is None:
            return (), ()
        at = self.page % len(titles)
        key = key_for(self.view, "bench.view")
        note = line((key, Role.KEY), (f" next  {at + 1} of {len(titles)}", Role.DIM))
        return line((titles[at], Role.STRONG)), note

    def body(self, width: int, height: int) -> Sequence[Line]:
        draws = list(self.pages.values())
        if not draws:
            return []
        rows = draws[self.page % len(draws)](width, height)
        if len(rows) <= height or self.view is None:
            return rows
        key = key_for(self.view, "bench.page")
        more = line((key, Role.KEY), (f" shows {len(rows) - height + 1} more rows", Role.DIM))
        return [*rows[: height - 1], more]
