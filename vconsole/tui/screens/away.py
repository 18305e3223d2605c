"""While you were away: the first page after an absence, and the last day when asked for."""

from __future__ import annotations

from textual.app import ComposeResult

from vconsole.tui.actions import bindings_for
from vconsole.tui.screens.base import ConsoleScreen
from vconsole.tui.widgets.report_panel import ReportPanel


class AwayScreen(ConsoleScreen):
    NAME = "away"
    AUTO_FOCUS = "ReportPanel"
    CSS_PATH = "away.tcss"
    BINDINGS = bindings_for("away")

    def contents(self) -> ComposeResult:
        yield ReportPanel(id="report")

    def on_screen_resume(self) -> None:
        self.query_one(ReportPanel).tell(self.console_app.report)

    def do_away_back(self) -> object:
        return self.console_app.switch_mode("overview")

    def do_away_events(self) -> object:
        return self.console_app.switch_mode("events")
