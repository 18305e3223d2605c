"""Carries out the actions that hold everywhere; those of one screen are methods of that screen."""

from __future__ import annotations

import shlex
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from vconsole import paths
from vconsole.tui.background import verbs
from vconsole.tui.terminal.keeping import keep

if TYPE_CHECKING:
    from vconsole.tui.app import ConsoleApp


def _switch(app: ConsoleApp, mode: str) -> Awaitable[object]:
    return app.switch_mode(mode)


def _start(app: ConsoleApp) -> None:
    """Start what ran last; with nothing known, ask for a model first."""
    if app.session.view().model is not None:
        app.verbs.start(None)
        return
    from vconsole.tui.screens.model_name import ModelScreen

    app.push_screen(ModelScreen(), lambda model: app.verbs.start(model) if model else None)


def _again(app: ConsoleApp, kind: str = "change") -> None:
    """Start again after a failure, by the way out of that kind; as before where there is none."""
    server = app.session.view().server
    failure = server.last_failure if server else None
    ways = [way for way in (failure.ways_out if failure else ()) if way.kind == kind]
    app.verbs.start(ways[0].model if ways else None, change=ways[0].flags if ways else ())


def _copy_command(app: ConsoleApp) -> None:
    server = app.session.view().server
    if server is not None and server.command:
        app.copy(shlex.join(server.command), "command line")


def _profiles(app: ConsoleApp) -> None:
    from vconsole.tui.screens.profiles import ProfilesScreen

    app.push_screen(ProfilesScreen(app.session.view()))


def _keep_profile(app: ConsoleApp) -> None:
    from vconsole.tui.screens.profile_name import ProfileNameScreen

    server = app.session.view().server
    if server is not None:
        app.push_screen(ProfileNameScreen(server))


def _stop(app: ConsoleApp) -> None:
    _ask_first(app, "Stop the server?", "stop it", again=False, act=app.verbs.stop)


def _swap(app: ConsoleApp) -> None:
    """Which model, then whether: what is in flight, and the command that does the same."""
    from vconsole.tui.screens.model_name import ModelScreen
    from vconsole.tui.screens.swap import SwapScreen

    def ask(model: str | None) -> None:
        if model is None:
            return
        question = SwapScreen(app.session.view(), model)
        app.push_screen(question, lambda rule: app.verbs.swap(model, rule) if rule else None)

    app.push_screen(ModelScreen("Swap the model", "enter continues, esc cancels"), ask)


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


def _smoke(app: ConsoleApp) -> None:
    _smoke_page(app, begun=True)
    app.verbs.smoke()


def _smoke_page(app: ConsoleApp, begun: bool = False) -> None:
    from vconsole.tui.screens.smoke import SmokeScreen

    app.push_screen(SmokeScreen(app.session.view(), begun))


def _help(app: ConsoleApp) -> None:
    from vconsole.tui.screens.help import HelpScreen

    app.push_screen(HelpScreen(app.screen_name, app.session.view()))


def _themes(app: ConsoleApp) -> None:
    """Seen while one moves through them; for good they are in the settings alone."""
    from vconsole.tui.screens.themes import ThemesScreen

    def chosen(name: str | None) -> None:
        if name is not None:
            where = paths.shown(paths.config_file())
            text = f'For good: theme = "{name}" under [ui] in {where}'
            app.notify(text, title=f"Theme {name}", timeout=10, markup=False)

    app.push_screen(ThemesScreen(tuple(sorted(app.available_themes)), app.theme), chosen)


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
    "screen.models": partial(_switch, mode="models"),
    "screen.request": partial(_switch, mode="request"),
    "screen.batch": partial(_switch, mode="batch"),
    "screen.bench": partial(_switch, mode="bench"),
    "screen.logs": partial(_switch, mode="logs"),
    "screen.host": partial(_switch, mode="host"),
    "server.start": _start,
    "server.again": _again,
    "server.fp8": partial(_again, kind="fp8"),
    "server.fallback": partial(_again, kind="fallback"),
    "server.command": _copy_command,
    "server.keep": _keep_profile,
    "server.profiles": _profiles,
    "server.stop": _stop,
    "server.swap": _swap,
    "server.restart": _restart,
    "server.smoke": _smoke,
    "server.smoke_page": _smoke_page,
    "server.connect": lambda app: app.link.bring_back(),
    "server.next": _next_server,
    "server.choose": _choose_server,
    "server.evidence": _evidence,
    "console.help": _help,
    "console.palette": lambda app: app.action_command_palette(),
    "console.screenshot": _screenshot,
    "console.theme": _themes,
    "console.leave": lambda app: app.exit(),
}
