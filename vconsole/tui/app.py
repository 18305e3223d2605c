"""The console's application: one session, three screens, and the keys of `actions`.

It paints first and asks afterwards; everything that may wait runs in threads.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from rich.console import RenderableType
from rich.style import Style
from textual import events
from textual.app import App
from textual.binding import Binding, BindingType
from textual.command import Provider
from textual.driver import Driver
from textual.screen import Screen
from textual.theme import Theme

from vconsole import paths, settings
from vconsole.errors import ExitCode, VConsoleError
from vconsole.settings import Settings
from vconsole.supervisor.autostart import ensure_supervisor
from vconsole.supervisor.model import ServerStatus
from vconsole.tui import lazily, results
from vconsole.tui.actions import BY_ID, bindings_for, on_screen
from vconsole.tui.exact_update import exact
from vconsole.tui.glyphs import glyphs_for
from vconsole.tui.keeping import keep
from vconsole.tui.link import Connect, SupervisorLink
from vconsole.tui.messages import LinkLost, LinkUp, StatusArrived, VerbAccepted, VerbRefused
from vconsole.tui.perform import PERFORM
from vconsole.tui.screens.base import ConsoleScreen
from vconsole.tui.session import Session
from vconsole.tui.text import Role
from vconsole.tui.themes import (
    ConsoleTheme,
    load_own_themes,
    load_themes,
    own_themes_dir,
    stamps,
)
from vconsole.tui.verbs import Verbs
from vconsole.tui.view import Link, View

DEFAULT_THEME = "vconsole-dark"
TICK_S = 1.0
FIRST_WORD_S = 0.1
AFTERWARDS = "The server keeps running: `vconsole` attaches again, `vconsole stop` stops it.\n"


def utc_now() -> datetime:
    return datetime.now(UTC)


def _collect_garbage_again() -> None:
    """After the first paint: what there is by then stays, so it need not be looked at."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


class ConsoleApp(App[None], inherit_bindings=False):
    """`now` and `connect` can be given, so that a test owns the clock and the supervisor."""

    CSS_PATH = "console.tcss"
    TITLE = "vconsole"
    COMMAND_PALETTE_BINDING = "ctrl+p"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {lazily.commands}
    MODES: ClassVar[dict[str, str | Callable[[], Screen[Any]]]] = {
        "overview": lazily.overview,
        "request": lazily.request,
        "logs": lazily.logs,
    }
    DEFAULT_MODE = "overview"
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings_for(None),
        Binding("ctrl+c", "say_how_to_leave", show=False, system=True),
    ]

    def __init__(
        self,
        socket_path: Path,
        name: str = "main",
        readonly: bool = False,
        chosen: Settings | None = None,
        now: Callable[[], datetime] = utc_now,
        connect: Connect = ensure_supervisor,
    ) -> None:
        super().__init__()
        ui = (chosen or Settings()).ui
        self.socket_path = socket_path
        self.server_name = name
        self.glyphs = glyphs_for(ui.ascii)
        self.session = Session(now, readonly)
        self.verbs: Verbs = Verbs(self, socket_path, name)
        self._connect = connect
        self.link: SupervisorLink = SupervisorLink(self, socket_path, name, connect)
        self._outcomes = results.Outcomes()
        self._themes = load_themes()
        self._styles: dict[str, dict[Role, Style]] = {}
        self._add_themes(self._themes)
        self._own_themes: tuple[tuple[str, int], ...] = ()
        self._theme_faults = self._load_own_themes()
        self.theme = ui.theme if ui.theme in self._themes else DEFAULT_THEME

    def _add_themes(self, themes: dict[str, ConsoleTheme]) -> None:
        self._themes.update(themes)
        for name, theme in themes.items():
            self._styles[name] = theme.styles()
            self.register_theme(theme.textual())

    def _load_own_themes(self) -> list[str]:
        """Take in the user's themes where their files have changed; returns what is wrong."""
        found = stamps(own_themes_dir())
        if found == self._own_themes:
            return []
        self._own_themes = found
        own, faults = load_own_themes(own_themes_dir())
        self._add_themes(own)
        return faults

    def _follow_own_themes(self) -> None:
        """An edited theme is seen at once, a broken one is named."""
        before = self._own_themes
        faults = self._theme_faults or self._load_own_themes()
        self._theme_faults = []
        if faults:
            text = "\n".join(faults)
            self.notify(text, title="Themes not used", severity="warning", markup=False)
        if self._own_themes != before:
            self.refresh_css(animate=False)
            self.screen.refresh()

    def get_driver_class(self) -> type[Driver]:
        """Ours in the place of Textual's for terminals."""
        found = super().get_driver_class()
        if found.__name__ == "LinuxDriver":
            from vconsole.tui.terminal_input import ConsoleDriver

            return ConsoleDriver
        return found

    @property
    def available_themes(self) -> dict[str, Theme]:
        """Our own alone: the roles of a line have no colours in Textual's."""
        own = self.__dict__.get("_themes", {})
        found = super().available_themes
        return {name: found[name] for name in own if name in found} or found

    @property
    def role_styles(self) -> dict[Role, Style]:
        return self._styles[self.theme]

    @property
    def screen_name(self) -> str:
        """The name of the screen in use; empty over a dialog."""
        return str(getattr(self.screen, "NAME", ""))

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        super()._display(screen, exact(renderable))

    def on_mount(self) -> None:
        self._handle_signals()
        self._ticking = self.set_interval(TICK_S, self._tick)
        self._receive()
        self.call_after_refresh(_collect_garbage_again)

    def _receive(self, start: bool = True) -> None:
        """Receive what the link says, from here on."""
        for message in self.link.attach():
            self.post_message(message)
        self.link.open(start)

    def current_view(self) -> View:
        """What is to be drawn now; with what the link heard before messages could come.

        The first frame waits a moment for it: figures are worth more than a frame without.
        """
        for message in self.link.early(FIRST_WORD_S):
            if isinstance(message, LinkUp):
                self.session.connected(message.samples)
            elif isinstance(message, StatusArrived):
                self.session.heard(message.status)
        return self.session.view_with_log()

    def on_unmount(self) -> None:
        self.link.close()

    def _handle_signals(self) -> None:
        """Without handlers a hang-up would end the process with the terminal left in disorder."""
        with suppress(ValueError, RuntimeError, NotImplementedError):
            loop = asyncio.get_running_loop()
            for number in (signal.SIGHUP, signal.SIGTERM):
                loop.add_signal_handler(number, partial(self.exit, return_code=128 + number))

    def _tick(self) -> None:
        """Ages and the clock go on while no snapshot comes; snapshots need no tick beside them."""
        if self.session.link is Link.LIVE:
            self._ticking.pause()
        else:
            self.show()

    def show(self) -> None:
        """Draw on the screen in use, also when a dialog stands over it."""
        for screen in reversed(self.screen_stack):
            if isinstance(screen, ConsoleScreen):
                screen.show(self.current_view())
                return

    def follow(self, server: ServerStatus) -> None:
        """Turn to another server: its state at once, its figures when its link has them."""
        self.link.close()
        self.server_name = server.name
        self.verbs = Verbs(self, self.socket_path, server.name)
        self.link = SupervisorLink(self, self.socket_path, server.name, self._connect)
        self.session.follow(server)
        self._ticking.resume()
        self.show()
        self._receive(start=False)

    def on_link_up(self, message: LinkUp) -> None:
        if message.server == self.server_name:
            self.session.connected(message.samples)

    def on_link_lost(self, message: LinkLost) -> None:
        if message.server == self.server_name:
            self.session.lost(message.error)
            self._ticking.resume()
            self.show()

    def on_status_arrived(self, message: StatusArrived) -> None:
        if message.status.server.name != self.server_name:
            return
        self.session.heard(message.status)
        self._follow_own_themes()
        self.show()
        for toast in self._outcomes.of(message.status):
            self._say(toast)

    def on_verb_accepted(self, message: VerbAccepted) -> None:
        self._outcomes.expect(message.operation)

    def on_verb_refused(self, message: VerbRefused) -> None:
        self._say(results.refusal(message.verb, message.error))

    def _say(self, toast: results.Toast) -> None:
        self.notify(
            toast.message,
            title=toast.title,
            severity=toast.severity,
            timeout=12 if toast.severity == "error" else 5,
            markup=False,
        )

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """None dims a key and lets it through to `on_key`, which says why."""
        if action == "perform" and BY_ID[str(parameters[0])].reason(self.session.view()):
            return None
        return True

    def action_perform(self, action_id: str) -> None:
        """Carry out an action of the table, or say why it cannot be done now."""
        action = BY_ID[action_id]
        if (reason := action.reason(self.session.view())) is not None:
            self.notify(f"Not now: {reason}.", severity="warning", timeout=4, markup=False)
            return
        try:
            if action.screen:
                getattr(self.screen, action.method)()
            else:
                PERFORM[action_id](self)
        except VConsoleError as error:
            self._say(results.refusal(action.label, error))

    def on_key(self, event: events.Key) -> None:
        """A key that no widget took and whose action is not available says why."""
        for action in on_screen(self.screen_name) if self.screen_name else ():
            if event.key in action.keys and action.reason(self.session.view()) is not None:
                self.action_perform(action.id)
                return

    def action_say_how_to_leave(self) -> None:
        self.notify("ctrl+c ends nothing here. Press q to leave the console.", timeout=4)

    def copy(self, text: str, what: str) -> None:
        """Send text to the terminal's clipboard (OSC 52), which not every terminal takes.

        A file holds it as well, for those that do not.
        """
        self.copy_to_clipboard(text)
        path = paths.state_dir() / "copied.txt"
        keep(path, text + "\n")
        self.notify(
            f"Sent the {what} to your terminal's clipboard; it is in {path} too.",
            timeout=5,
            markup=False,
        )


def run(socket_path: Path, name: str = "main", readonly: bool = False) -> int:
    """Open the console and return its exit code; refuses what is no terminal."""
    _need_a_terminal()
    chosen = settings.load()
    app = ConsoleApp(socket_path, name, readonly, chosen)
    app.link.open()
    app.run(mouse=chosen.ui.mouse)
    if app.return_code == 0 and app.session.view().serving:
        sys.stdout.write(AFTERWARDS)
    return app.return_code or 0


def _need_a_terminal() -> None:
    fault = None
    if os.environ.get("TERM", "dumb") in ("dumb", ""):
        fault = "this terminal (TERM=dumb) cannot show the console"
    elif not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        fault = "the console needs a terminal, and this is none"
    if fault is not None:
        raise VConsoleError(fault, "`vconsole status` prints the same as text", ExitCode.USAGE)
