"""Logs: the server's log, followed, filtered, by level, with the first real error a key away."""

from __future__ import annotations

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input, Label

from vconsole.engine.log.logline import LogLevel
from vconsole.supervisor.model import ServerState
from vconsole.tui.actions import bindings_for
from vconsole.tui.screens.base import ConsoleScreen
from vconsole.tui.view import View
from vconsole.tui.widgets.field import Field
from vconsole.tui.widgets.key_bar import KeyBar
from vconsole.tui.widgets.log_foot import LogFoot
from vconsole.tui.widgets.log_head import LogHead
from vconsole.tui.widgets.log_view import LogView

POLL_S = 0.5
SOON_S = 0.1
LEVELS: tuple[LogLevel | None, ...] = (None, LogLevel.WARNING, LogLevel.ERROR)
TYPING = (("enter", "keep"), ("esc", "clear"))


class LogsScreen(ConsoleScreen):
    NAME = "logs"
    AUTO_FOCUS = "LogView"
    CSS_PATH = "logs.tcss"
    BINDINGS = bindings_for("logs")

    def __init__(self) -> None:
        super().__init__()
        self._wanted_line: int | None = None

    def contents(self) -> ComposeResult:
        yield LogHead(id="log-head")
        with Horizontal(id="log-filter-row"):
            yield Label("/", id="log-filter-label")
            yield Field(id="log-filter", placeholder="text or regular expression")
        yield LogView(id="log-view")
        yield LogFoot(id="log-foot")

    def on_mount(self) -> None:
        super().on_mount()
        self.set_interval(POLL_S, self._poll)

    @property
    def logs(self) -> LogView:
        return self.query_one(LogView)

    @property
    def filter_input(self) -> Input:
        return self.query_one("#log-filter", Input)

    def show(self, view: View) -> None:
        path = view.log_path
        if path is None:
            if self.logs.file is not None:
                self.logs.close()
        elif self.logs.file is None or self.logs.file.path != path:
            self.logs.open(path)
        super().show(view)

    def _poll(self) -> None:
        if self.is_current:
            self.logs.poll()
            if self.logs.behind:
                self.set_timer(SOON_S, self._poll)
            if self._wanted_line is not None and self._reach(self._wanted_line):
                self._wanted_line = None

    @on(LogView.Moved)
    def _moved(self) -> None:
        self.query_one(LogHead).redraw()
        self.query_one(LogFoot).redraw()

    def show_line(self, number: int) -> None:
        """Go to a line (from 0) as soon as the file is indexed that far."""
        self._wanted_line = None if self._reach(number) else number

    def _reach(self, number: int) -> bool:
        if self.logs.file is None or number >= len(self.logs.file):
            return False
        self.filter_input.value = ""
        self.logs.select(None, "")
        self.logs.go_to(number)
        return True

    def do_logs_filter(self) -> None:
        self.add_class("-filtering")
        self.filter_input.focus()
        self.query_one(KeyBar).typing = TYPING
        self.query_one(KeyBar).redraw()

    @on(Input.Changed, "#log-filter")
    def _filter(self, event: Input.Changed) -> None:
        selection = self.logs.selection
        if selection is not None and selection.text != event.value:
            self.logs.select(selection.level, event.value)

    @on(Input.Submitted, "#log-filter")
    def _keep_filter(self) -> None:
        self._leave_filter()

    def on_key(self, event: events.Key) -> None:
        if event.key != "escape":
            return
        self.filter_input.value = ""
        self._leave_filter()
        event.stop()

    def _leave_filter(self) -> None:
        self.remove_class("-filtering")
        self.query_one(KeyBar).typing = ()
        self.query_one(KeyBar).redraw()
        self.logs.focus()

    def do_logs_level(self) -> None:
        selection = self.logs.selection
        if selection is not None:
            after = LEVELS[(LEVELS.index(selection.level) + 1) % len(LEVELS)]
            self.logs.select(after, selection.text)

    def do_logs_error(self) -> None:
        logs = self.logs
        if logs.file is None:
            return
        marked = logs.marked_number()
        begins = logs.following or marked is None
        after = -1 if begins or marked is None else marked
        found = (self._reason() if begins else None) or logs.file.first_error(after)
        if found is None:
            self.notify("No error after this line." if after >= 0 else "No error in this log.")
        else:
            self.show_line(found)

    def _reason(self) -> int | None:
        """The line that shows why the server failed, by the diagnosis, where it has."""
        server = self.console_app.session.view().server
        failed = server is not None and server.state is ServerState.FAILED
        failure = server.last_failure if server and failed else None
        return failure.evidence_line - 1 if failure and failure.evidence_line else None

    def do_logs_follow(self) -> None:
        self.logs.follow()

    def do_logs_wrap(self) -> None:
        """Long lines and tracebacks whole, or a row each."""
        logs = self.logs
        logs.wrapping, logs.shift = not logs.wrapping, 0
        if logs.selection is not None:
            logs.select(logs.selection.level, logs.selection.text)
        logs.follow() if logs.following else logs.move(0)

    def do_logs_copy(self) -> None:
        number = self.logs.marked_number()
        if number is not None and self.logs.file is not None:
            self.console_app.copy(self.logs.file.line(number).message, "line")
