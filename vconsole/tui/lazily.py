"""What the app needs only when it is looked at: each screen is imported at its first visit."""

from __future__ import annotations

from textual.command import Provider
from textual.screen import Screen


def commands() -> type[Provider]:
    from vconsole.tui.commands import ActionCommands

    return ActionCommands


def overview() -> Screen[None]:
    from vconsole.tui.screens.overview import OverviewScreen

    return OverviewScreen()


def request() -> Screen[None]:
    from vconsole.tui.screens.request import RequestScreen

    return RequestScreen()


def logs() -> Screen[None]:
    from vconsole.tui.screens.logs import LogsScreen

    return LogsScreen()
