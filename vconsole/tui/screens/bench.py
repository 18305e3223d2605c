"""Bench: the kept ones above, the marked one's table, and its plot or what is told beside it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from textual import on
from textual.app import ComposeResult
from textual.containers import Container

from vconsole.requests.bench.kept import Bench, BenchState
from vconsole.supervisor.jobs.asked_bench import command_of
from vconsole.supervisor.jobs.model import JobRequest
from vconsole.supervisor.model import Status
from vconsole.tui.actions import bindings_for
from vconsole.tui.background.benching import BenchDone, BenchesArrived, Benching, BenchLook
from vconsole.tui.forms.bench_fields import values_of
from vconsole.tui.rows.bench_look import BenchRow
from vconsole.tui.screens.base import ConsoleScreen
from vconsole.tui.view import View
from vconsole.tui.widgets.bench_list import BenchList
from vconsole.tui.widgets.bench_notes import BenchNotes
from vconsole.tui.widgets.bench_plot import BenchPlot
from vconsole.tui.widgets.bench_table import BenchTable

BORDERS, LEAST_BELOW = 2, 8


class BenchScreen(ConsoleScreen):
    """`page` 0 is the plot where it has no room beside the notes; they follow."""

    NAME = "bench"
    CSS_PATH = "bench.tcss"
    AUTO_FOCUS = "BenchList"
    BINDINGS = bindings_for("bench")

    def __init__(self) -> None:
        super().__init__()
        self._look = BenchLook()
        self._benching: Benching | None = None
        self._reading = False
        self._read_for: Status | None = None
        self._to_mark: str | None = None
        self._page = 0

    def contents(self) -> ComposeResult:
        yield BenchList(id="bench-list")
        yield BenchTable(id="bench-table")
        with Container(id="bench-below"):
            yield BenchPlot(id="bench-plot")
            yield BenchNotes(id="bench-notes")

    @property
    def benches(self) -> BenchList:
        return self.query_one(BenchList)

    @property
    def benching(self) -> Benching:
        if self._benching is None:
            self._benching = Benching(self, self.app, self.console_app.socket_path)
        return self._benching

    def show(self, view: View) -> None:
        super().show(view)
        if view.status is not None and view.status is not self._read_for:
            self._read_for = view.status
            self.read()

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        self.read()

    def fit_to_size(self) -> None:
        if self.is_mounted:
            self._draw()

    def mark(self, bench_id: str) -> None:
        """Mark that bench, now or as soon as it is known."""
        if not self.benches.mark(bench_id):
            self._to_mark = bench_id
        self.read()

    def read(self) -> None:
        """Read what is kept and what runs, once at a time."""
        if not self._reading and self.is_current:
            self._reading = True
            self.benching.read()

    @on(BenchesArrived)
    def _arrived(self, message: BenchesArrived) -> None:
        self._reading = False
        self._look = message.look
        self.benches.show_items(message.look.rows)
        if self._to_mark is not None and self.benches.mark(self._to_mark):
            self._to_mark = None
        self._draw()

    def _draw(self) -> None:
        marked = self.benches.marked
        table, plot, notes = (
            self.query_one(BenchTable),
            self.query_one(BenchPlot),
            self.query_one(BenchNotes),
        )
        tall = self.has_class("-tall")
        page = self._page if tall else self._page - 1
        notes.show_bench(marked.bench if marked else None, self._held(), page)
        plot.display = tall or self._page == 0
        notes.display = tall or self._page > 0
        table.row = marked
        table.styles.height = self._table_height(table.rows_wanted())
        table.show_row(marked, self._look.prices)
        plot.show_row(marked)

    def _table_height(self, wanted: int) -> int:
        """As many rows as it has, as long as what stands below keeps its own."""
        above = self.benches.size.height or 4
        room = self.app.size.height - 3 - above - LEAST_BELOW
        return max(5, min(wanted + BORDERS, room))

    def _held(self) -> Bench | None:
        held = self.benches.held
        return next((row.bench for row in self._look.rows if row.id == held), None)

    @on(BenchList.Moved)
    def _moved(self) -> None:
        self._page = 0 if self._held() is None else self._page
        self._draw()

    @on(BenchDone)
    def _done(self, message: BenchDone) -> None:
        self.notify(message.words, timeout=5, markup=False)
        if message.bench_id is not None:
            self.mark(message.bench_id)
        else:
            self.read()

    def do_bench_new(self) -> None:
        self._open_form({})

    def do_bench_again(self) -> None:
        row = self._marked()
        if row is not None:
            self._open_form(values_of(row.bench.spec))

    def _open_form(self, values: Mapping[str, str]) -> None:
        from vconsole.tui.screens.job_form import JobFormScreen
        from vconsole.tui.screens.new_bench import new_bench

        def asked(request: JobRequest | None) -> None:
            if request is not None:
                self.benching.submit(request)

        form = new_bench(self.console_app.server_name, values)
        self.app.push_screen(JobFormScreen(form), asked)

    def do_bench_page(self) -> None:
        from vconsole.tui.screens.bench_page import BenchPageScreen

        row = self._marked()
        if row is not None:
            self.app.push_screen(BenchPageScreen(row.bench, self._look.prices))

    def do_bench_view(self) -> None:
        """Through the pages, the plot among them where it has no place of its own."""
        pages = len(self.query_one(BenchNotes).pages)
        self._page = (self._page + 1) % max(1, pages + (not self.has_class("-tall")))
        self._draw()

    def do_bench_axis(self) -> None:
        self.query_one(BenchPlot).turn_axis()

    def do_bench_compare(self) -> None:
        row = self._marked()
        if row is None:
            return
        self.benches.held = None if self.benches.held == row.id else row.id
        if self.benches.held:
            self.notify(f"Mark another bench: it is told by {row.id}.", timeout=5, markup=False)
        self._page = 0 if self.has_class("-tall") or not self.benches.held else 1
        self.benches.redraw()
        self._draw()

    def do_bench_export(self) -> None:
        from vconsole.requests.bench.files import kind_of
        from vconsole.tui.screens.bench_file import BenchFileScreen

        row = self._marked()
        if row is not None:
            self.app.push_screen(
                BenchFileScreen(row.id),
                lambda path: self.benching.write(row.bench, path, kind_of(path)) if path else None,
            )

    def do_bench_command(self) -> None:
        row = self._marked()
        if row is not None:
            self.console_app.copy(command_of(row.bench.spec), "command line")

    def do_bench_resume(self) -> None:
        row = self._marked()
        if row is None:
            return
        if row.is_under_way or row.bench.state is BenchState.DONE:
            self.warn(f"{row.id} is {row.look.word}; {self.key_of('again')} measures it anew.")
        elif row.job is None:
            self.warn(f"No job of {row.id} is remembered; {self.key_of('again')} measures anew.")
        else:
            self.benching.verb(row, "resume")

    def do_bench_cancel(self) -> None:
        row = self._marked()
        if row is None:
            return
        if not row.is_under_way:
            self.warn(f"{row.id} is {row.look.word}.")
            return
        effects = [
            f"The {len(row.bench.measured)} measurements so far are kept;"
            f" {self.key_of('resume')} goes on later.",
            f"The same as: vconsole bench cancel {row.id}",
        ]
        act = partial(self.benching.verb, row, "cancel")
        self.ask("Cancel the bench?", _named(row), effects, "cancel it", act)

    def do_bench_forget(self) -> None:
        row = self._marked()
        if row is None:
            return
        if row.is_under_way:
            self.warn(f"{row.id} is {row.look.word}; {self.key_of('cancel')} ends it.")
            return
        effects = [
            "Its figures are gone for good, unless they were written to a file.",
            f"The same as: vconsole bench rm {row.id}",
        ]
        act = partial(self.benching.forget, row.bench)
        self.ask("Forget the bench?", _named(row), effects, "forget it", act)

    def _marked(self) -> BenchRow | None:
        if self.benches.marked is None:
            self.warn(f"There is no bench yet; {self.key_of('new')} begins one.")
        return self.benches.marked


def _named(row: BenchRow) -> str:
    return f"{row.id}  {' / '.join(row.bench.spec.contenders)}"
