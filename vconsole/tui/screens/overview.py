"""Overview: is it serving, how fast, what fills the memory, how long do users wait, what next."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from vconsole.tui.actions import bindings_for
from vconsole.tui.background import verbs
from vconsole.tui.screens.base import ConsoleScreen
from vconsole.tui.view import View
from vconsole.tui.widgets.advice_line import AdviceLine
from vconsole.tui.widgets.band import Band
from vconsole.tui.widgets.card_panel import CardPanel
from vconsole.tui.widgets.events_panel import EventsPanel
from vconsole.tui.widgets.latency_panel import LatencyPanel
from vconsole.tui.widgets.log_tail import LogTail
from vconsole.tui.widgets.memory_panel import MemoryPanel
from vconsole.tui.widgets.panel import Panel
from vconsole.tui.widgets.queue_panel import QueuePanel
from vconsole.tui.widgets.throughput_panel import ThroughputPanel

# State line, key bar, and the two rows of panels at their lowest.
AROUND_FIGURES = 1 + 2 + 12
# What limits the server, and what helps with which key, before more of the log.
TWO_HINTS_HEIGHT = 24
DAY = timedelta(days=1)


class OverviewScreen(ConsoleScreen):
    """Panels of figures while a server serves, the card in their place while none does.

    With room the two panels of graphs stand side by side above the two tables; a widget cannot
    change its row, so two of them exist twice, and the style sheet shows one of each.
    """

    NAME = "overview"
    AUTO_FOCUS = ""
    ALLOW_IN_MAXIMIZED_VIEW = ".-textual-system,StateLine,KeyBar"
    CSS_PATH = "overview.tcss"
    BINDINGS = bindings_for("overview")

    def contents(self) -> ComposeResult:
        yield Band(id="band")
        yield CardPanel(id="card")
        yield MemoryPanel(id="memory")
        with Vertical(id="figures"):
            with Horizontal(id="upper"):
                yield ThroughputPanel()
                yield LatencyPanel(classes="when-short")
                yield QueuePanel(classes="when-tall")
            with Horizontal(id="lower"):
                yield LatencyPanel(classes="when-tall")
                yield QueuePanel(classes="when-short")
                yield EventsPanel()
        yield EventsPanel(id="happened")
        yield LogTail(id="log")
        yield AdviceLine(id="advice")

    def size_classes(self) -> dict[str, bool]:
        return super().size_classes() | {"-two-hints": self.app.size.height >= TWO_HINTS_HEIGHT}

    def show(self, view: View) -> None:
        self.set_class(not view.serving, "-card")
        self.set_class(view.status is None, "-nothing-known")
        self.set_class(view.log_path is None, "-no-log")
        memory, card = self.query_one(MemoryPanel), self.query_one(CardPanel)
        self._share_rows(view, memory, self._band(view))
        card.view = view
        card.styles.height = card.wanted_height(self.app.size.width)
        super().show(view)

    def _band(self, view: View) -> int:
        """Give the band its rows."""
        band = self.query_one(Band)
        band.view = view
        rows = band.wanted_height()
        band.display = rows > 0
        band.styles.height = max(1, rows)
        return rows

    def _share_rows(self, view: View, memory: MemoryPanel, band_rows: int) -> None:
        """Many cards take the hint's row and the log's first, then a row of the lower panels."""
        wanted = memory.wanted_height(view.status)
        room = self.app.size.height - AROUND_FIGURES - band_rows
        self.set_class(view.serving and wanted > room, "-tight")
        rows = min(wanted, room + 1) if view.serving else wanted
        memory.styles.height = "1fr" if self.maximized is memory else rows

    def watch_maximized(self) -> None:
        self.show(self.console_app.current_view())

    def do_overview_maximise(self) -> None:
        """The panel in focus over the whole screen, the first one where none is; or back."""
        if self.maximized is not None:
            self.minimize()
            return
        if not isinstance(self.focused, Panel):
            self.focus_next(Panel)
        if self.focused is not None:
            self.maximize(self.focused, container=False)

    def do_events(self) -> object:
        return self.console_app.switch_mode("events")

    def do_report(self) -> None:
        self.console_app.ask_report(self.console_app.session.now() - DAY, away=False)

    def do_overview_window(self) -> None:
        self.console_app.session.widen()
        self.console_app.show()

    def do_overview_pause(self) -> None:
        self.console_app.session.pause()
        self.show(self.console_app.current_view())

    def do_overview_advice(self) -> None:
        """Carry out the first hint that can be, after a question that says what happens."""
        from vconsole.tui.advice.acting import advised, deed_of

        app = self.console_app
        view = app.session.view()
        advice = advised(view)
        if advice is None:
            return
        deed = deed_of(advice, view)
        if deed:
            act = partial(app.verbs.do, deed)
            self.ask(deed.title, deed.target, deed.effects, deed.verb, act)
            return
        self._ask_for_flags(view, advice.flags)

    def _ask_for_flags(self, view: View, flags: tuple[str, ...]) -> None:
        from vconsole.tui.screens.advised import AdvisedScreen

        if view.status is None:
            return
        effects = verbs.effects(view, again=True, changes=flags)
        question = AdvisedScreen(verbs.target(view), effects, view.status, flags)
        do = self.console_app.verbs.restart
        self.app.push_screen(question, lambda yes: do(flags) if yes else None)

    def do_overview_copy(self) -> None:
        server = self.console_app.session.view().server
        if server and server.url:
            self.console_app.copy(f"{server.url.rstrip('/')}/v1", "URL")
