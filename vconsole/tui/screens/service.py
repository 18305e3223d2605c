"""Service: the unit of systemd that serves from boot on; seen, installed, compared, removed."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult

from vconsole.errors import VConsoleError
from vconsole.host.units import Scope
from vconsole.tui.actions import bindings_for
from vconsole.tui.background import results
from vconsole.tui.background.servicing import Page, ServiceArrived, ServiceLook, read_in_background
from vconsole.tui.screens.base import ConsoleScreen
from vconsole.tui.widgets.service_panel import ServicePanel

LOOK_EVERY_S = 2.0


class ServiceScreen(ConsoleScreen):
    NAME = "service"
    AUTO_FOCUS = "ServicePanel"
    CSS_PATH = "service.tcss"
    BINDINGS = bindings_for("service")

    def __init__(self) -> None:
        super().__init__()
        self._scope, self._page = Scope.USER, Page.PREVIEW
        self._reading = False

    def contents(self) -> ComposeResult:
        yield ServicePanel(id="service")

    def on_mount(self) -> None:
        super().on_mount()
        self.set_interval(LOOK_EVERY_S, self.do_service_look)

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        self.do_service_look()

    @property
    def panel(self) -> ServicePanel:
        return self.query_one(ServicePanel)

    @property
    def look(self) -> ServiceLook | None:
        return self.panel.look

    def do_service_look(self) -> None:
        if self.is_current and not self._reading:
            self._reading = True
            read_in_background(self, self.console_app.read_service, self._scope, self._page)

    @on(ServiceArrived)
    def _arrived(self, message: ServiceArrived) -> None:
        self._reading = False
        wanted = (self._scope, self._page)
        if (message.look.scope, message.look.page) == wanted:
            self.panel.show_look(message.look)
        else:
            self.do_service_look()

    def do_service_preview(self) -> None:
        self._turn_to(Page.PREVIEW)

    def do_service_diff(self) -> None:
        self._turn_to(Page.DIFF)

    def do_service_journal(self) -> None:
        self._turn_to(Page.JOURNAL)

    def _turn_to(self, page: Page) -> None:
        self._page = page
        self.do_service_look()

    def do_service_scope(self) -> None:
        self._scope = Scope.SYSTEM if self._scope is Scope.USER else Scope.USER
        self.do_service_look()

    def do_service_copy(self) -> None:
        look = self.look
        hint = look.chore.hint if look and look.chore else None
        if look is not None and (hint or look.text):
            self.console_app.copy(hint or "\n".join(look.text), "command" if hint else "text")

    def do_service_back(self) -> object:
        return self.console_app.switch_mode("host")

    def do_service_install(self) -> None:
        look = self.look
        if look is None or look.error or look.profile is None:
            self._refuse("install", look)
            return
        effects = [
            f"It writes {look.path} and enables it: {look.profile} is served from boot on.",
            "A server that runs is handed over without being stopped.",
            *look.notes,
        ]
        words = ("service", "install", look.profile, f"--{look.scope}")
        again = self.do_service_look
        self.ask_chore("Install the service?", look.profile, effects, "install", words, again)

    def do_service_uninstall(self) -> None:
        look = self.look
        if look is None or not look.installed:
            self._refuse("uninstall", look)
            return
        effects = [
            "What it serves is drained and stopped; the unit is removed, and lingering ends if it"
            " was enabled for it. Records, logs and models stay.",
            "`vconsole service uninstall --keep-servers` would leave the servers running.",
        ]
        words = ("service", "uninstall", f"--{look.scope}")
        again = self.do_service_look
        self.ask_chore("Remove the service?", look.path, effects, "uninstall", words, again)

    def _refuse(self, verb: str, look: ServiceLook | None) -> None:
        nothing = VConsoleError("nothing is installed", "`I` installs it")
        error = (look.error if look else None) or nothing
        self.console_app._say(results.refusal(verb, error))
