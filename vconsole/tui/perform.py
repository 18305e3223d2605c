"""Carries out the actions that hold everywhere; those of one screen are methods of that screen."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from vconsole import paths
from vconsole.tui import verbs
from vconsole.tui.keeping import keep

if TYPE_CHECKING:
    from vconsole.tui.app import ConsoleApp


def _switch(app: ConsoleApp, mode: str) -> None:
    app.switch_mode(mode)


def _start(app: ConsoleApp) -> None:
    """Start what ran last; with nothing known, ask for a model first."""
    if app.session.view().model is not None:
        app.verbs.start(None)
        return
    from vconsole.tui.screens.model_name import ModelScreen

    app.push_screen(ModelScreen(), lambda model: app.verbs.start(model) if model else None)


def _stop(app: ConsoleApp) -> None:
    _ask_first(app, "Stop the server?", "stop it", again=False, act=app.verbs.stop)


def _restart(app: ConsoleApp) -> None:
    _ask_first(app, "Restart the server?", "restart it", again=True, act=app.verbs.restart)


def _ask_first(
    app: ConsoleApp, title: str, verb: str, again: bool, act: Callable[[], None]
) -> None:
    from vconsole.tui.screens.confirm import ConfirmScreen

    view = app.session.view()
    question = ConfirmScreen(title, verbs.target(view), verbs.effects(view, again), verb)
    app.push_screen(question, lambda yes: act() if yes else None)


def _next_server(app: ConsoleApp) -> None:
    view = app.session.view()
    app.follow(view.servers[view.place % len(view.servers)])


def _choose_server(app: ConsoleApp) -> None:
    from vconsole.tui.screens.servers import ServersScreen

    def chosen(name: str | None) -> None:
        for server in app.session.view().others:
            if server.name == name:
                app.follow(server)

    app.push_screen(ServersScreen(app.session.view()), chosen)


def _help(app: ConsoleApp) -> None:
    from vconsole.tui.screens.help import HelpScreen

    app.push_screen(HelpScreen(app.screen_name, app.session.view()))


def _screenshot(app: ConsoleApp) -> None:
    """Beside the logs, where the user's files of this program are, and told by name."""
    path = paths.state_dir() / f"console-{app.session.now():%Y%m%d-%H%M%S}.svg"
    keep(path, app.export_screenshot(title="vconsole"))
    app.notify(str(path), title="Screenshot written", markup=False)


def _evidence(app: ConsoleApp) -> None:
    server = app.session.view().server
    failure = server.last_failure if server else None
    if failure is not None and failure.evidence_line is not None:
        app.run_worker(_show_line(app, failure.evidence_line - 1))


async def _show_line(app: ConsoleApp, number: int) -> None:
    from vconsole.tui.screens.logs import LogsScreen

    await app.switch_mode("logs")
    if isinstance(app.screen, LogsScreen):
        app.screen.show_line(number)


PERFORM: dict[str, Callable[[ConsoleApp], object]] = {
    "screen.overview": partial(_switch, mode="overview"),
    "screen.request": partial(_switch, mode="request"),
    "screen.logs": partial(_switch, mode="logs"),
    "server.start": _start,
    "server.again": _start,
    "server.stop": _stop,
    "server.restart": _restart,
    "server.smoke": lambda app: app.verbs.smoke(),
    "server.connect": lambda app: app.link.bring_back(),
    "server.next": _next_server,
    "server.choose": _choose_server,
    "server.evidence": _evidence,
    "console.help": _help,
    "console.palette": lambda app: app.action_command_palette(),
    "console.screenshot": _screenshot,
    "console.theme": lambda app: app.action_change_theme(),
    "console.leave": lambda app: app.exit(),
}
