"""The console's application: one session, three screens, and the keys of `actions`.

It paints first and asks afterwards; everything that may wait runs in threads.
"""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from inspect import isawaitable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from rich.console import RenderableType
from textual import events
from textual.binding import Binding, BindingType
from textual.command import Provider
from textual.driver import Driver
from textual.screen import Screen

from vconsole import paths
from vconsole.errors import VConsoleError
from vconsole.settings import Settings, Table
from vconsole.supervisor.autostart import ensure_supervisor
from vconsole.supervisor.client import SupervisorClient
from vconsole.supervisor.model import ServerStatus
from vconsole.tui import lazily
from vconsole.tui.actions import BY_ID, NO_KEY, bindings_for, key_for, on_screen
from vconsole.tui.background import results
from vconsole.tui.background.calls import in_background
from vconsole.tui.background.day import DayKeeper
from vconsole.tui.background.link import Connect, SupervisorLink
from vconsole.tui.background.reporting import fetch_report
from vconsole.tui.background.verbs import Verbs
from vconsole.tui.drawing.glyphs import glyphs_for
from vconsole.tui.messages import (
    DayArrived,
    LinkLost,
    LinkUp,
    ReportArrived,
    StatusArrived,
    VerbAccepted,
    VerbDone,
    VerbRefused,
)
from vconsole.tui.perform import PERFORM
from vconsole.tui.screens.base import ConsoleScreen
from vconsole.tui.session import Session
from vconsole.tui.terminal.exact_update import exact
from vconsole.tui.terminal.keeping import keep
from vconsole.tui.theming.themed_app import ThemedApp
from vconsole.tui.view import Link, View

if TYPE_CHECKING:
    from vconsole.tui.background.hosting import ReadHost
    from vconsole.tui.background.servicing import ReadService

TICK_S = 1.0
LONG_AWAY = timedelta(hours=1)
FIRST_WORD_S = 0.1


def utc_now() -> datetime:
    return datetime.now(UTC)


def _collect_garbage_again() -> None:
    """After the first paint: what there is by then stays, so it need not be looked at."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


class ConsoleApp(ThemedApp, inherit_bindings=False):
    """`alone` is for the overview without the other screens.

    `now`, `connect` and the readers of the host can be given, so that a test owns all of them.
    """

    CSS_PATH = "console.tcss"
    TITLE = "vconsole"
    COMMAND_PALETTE_BINDING = "ctrl+p"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {lazily.commands}
    MODES: ClassVar[dict[str, str | Callable[[], Screen[Any]]]] = {
        "overview": lazily.overview,
        "models": lazily.models,
        "request": lazily.request,
        "batch": lazily.batch,
        "bench": lazily.bench,
        "logs": lazily.logs,
        "host": lazily.host,
        "service": lazily.service,
        "events": lazily.events,
        "away": lazily.away,
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
        alone: bool = False,
        chosen: Settings | None = None,
        now: Callable[[], datetime] = utc_now,
        connect: Connect = ensure_supervisor,
        read_host: ReadHost = lazily.read_host,
        read_service: ReadService = lazily.read_service,
    ) -> None:
        chosen = chosen or Settings()
        ui, self.prices = chosen.ui, chosen.prices
        super().__init__(ui.theme)
        self.socket_path = socket_path
        self.server_name = name
        self.glyphs = glyphs_for(ui.ascii)
        self._key_faults: list[str] = []
        self.session = Session(now, readonly, self._keys_of(ui.keymap), alone)
        self.verbs: Verbs = Verbs(self, socket_path, name)
        self._connect = connect
        self.read_host = read_host
        self.read_service = read_service
        self.link: SupervisorLink = SupervisorLink(self, socket_path, name, connect)
        self._outcomes = results.Outcomes()
        self.report: ReportArrived | None = None
        self._greeted = False
        self._day = DayKeeper(self, socket_path)

    def _keys_of(self, wanted: Table) -> Table:
        """Have the keys of the settings, and keep what is wrong with them to be told."""
        if not wanted:
            return {}
        from vconsole.tui.keymap import checked

        keymap, self._key_faults = checked(wanted)
        self.set_keymap({id: ",".join(keys) or NO_KEY for id, keys in keymap.items()})
        return keymap

    def _tell_key_faults(self) -> None:
        if self._key_faults:
            text = "\n".join(
                [*self._key_faults, f"[ui] keymap in {paths.shown(paths.config_file())}"]
            )
            self.notify(text, title="Keys not used", severity="warning", timeout=12, markup=False)

    def get_driver_class(self) -> type[Driver]:
        """Ours in the place of Textual's for terminals."""
        found = super().get_driver_class()
        if found.__name__ == "LinuxDriver":
            from vconsole.tui.terminal.keyboard import ConsoleDriver

            return ConsoleDriver
        return found

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
        self.call_after_refresh(self.load_other_themes)
        self.call_after_refresh(self._tell_key_faults)
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
                self._linked(message)
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
        self._day.keep(self.session.view())
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
            self._linked(message)

    def _linked(self, message: LinkUp) -> None:
        self.session.connected(message.samples)
        greeted, self._greeted = self._greeted, True
        since = message.away_since
        if greeted or since is None or self.session.view().alone:
            return
        if self.session.now() - since >= LONG_AWAY:
            self.ask_report(since, away=True)

    def ask_report(self, since: datetime, away: bool) -> None:
        """Fetch what happened since then, off the loop; `away` says that nobody asked for it."""
        report = partial(SupervisorClient(self.socket_path).report, since)
        in_background("report", partial(fetch_report, self, report, away))

    async def on_report_arrived(self, message: ReportArrived) -> None:
        """Show it, but take nobody who went on meanwhile away from where they are."""
        if message.away and self.screen_name != "overview":
            return
        self.report = message
        await self.switch_mode("away")

    def on_day_arrived(self, message: DayArrived) -> None:
        if message.server == self.server_name:
            self.session.remembered(message.samples)
            self.show()

    def on_link_lost(self, message: LinkLost) -> None:
        if message.server == self.server_name:
            self.session.lost(message.error)
            self._ticking.resume()
            self.show()

    def on_status_arrived(self, message: StatusArrived) -> None:
        if message.status.server.name != self.server_name:
            return
        self.session.heard(message.status)
        self.follow_own_themes()
        self.show()
        for toast in self._outcomes.of(message.status):
            self._say(toast)

    def on_verb_accepted(self, message: VerbAccepted) -> None:
        self._outcomes.expect(message.operation)

    def on_verb_done(self, message: VerbDone) -> None:
        self.notify(message.words)

    def on_verb_refused(self, message: VerbRefused) -> None:
        self._say(results.refusal(message.verb, message.error))

    def _say(self, toast: results.Toast) -> None:
        if toast.may_insist:
            self._ask_whether_to_insist(toast)
            return
        if toast.title in getattr(self.screen, "SAYS_ITSELF", ()):
            return
        self.notify(
            toast.message,
            title=toast.title,
            severity=toast.severity,
            timeout=12 if toast.severity == "error" else 5,
            markup=False,
        )

    def _ask_whether_to_insist(self, toast: results.Toast) -> None:
        """A start that is expected to fail is begun only by somebody who has read why."""
        from vconsole.tui.screens.confirm import ConfirmScreen

        effects = toast.message.split("\n")
        question = ConfirmScreen("Start it anyway?", toast.title, effects, "start it")
        self.push_screen(question, lambda yes: self.verbs.start_anyway() if yes else None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """None dims a key and lets it through to `on_key`, which says why."""
        if action == "perform" and BY_ID[str(parameters[0])].reason(self.session.view()):
            return None
        return True

    async def action_perform(self, action_id: str) -> None:
        """Carry out an action of the table, or say why it cannot be done now."""
        action = BY_ID[action_id]
        if (reason := action.reason(self.session.view())) is not None:
            self.notify(f"Not now: {reason}.", severity="warning", timeout=4, markup=False)
            return
        try:
            in_table = action_id in PERFORM
            done = PERFORM[action_id](self) if in_table else getattr(self.screen, action.method)()
            if isawaitable(done):
                await done
        except VConsoleError as error:
            self._say(results.refusal(action.label, error))

    async def on_key(self, event: events.Key) -> None:
        """A key that no widget took and whose action is not available says why."""
        view = self.session.view()
        for action in on_screen(self.screen_name) if self.screen_name else ():
            if event.key in action.keys_now(view) and action.reason(view) is not None:
                await self.action_perform(action.id)
                return

    def action_say_how_to_leave(self) -> None:
        leave = key_for(self.session.view(), "console.leave")
        self.notify(f"ctrl+c ends nothing here. Press {leave} to leave the console.", timeout=4)

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
