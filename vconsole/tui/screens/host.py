"""Host: is this machine as good as it can be, who else is on it, and how they make room."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Container

from vconsole.supervisor.client import SupervisorClient
from vconsole.supervisor.model import ServerState
from vconsole.tui.actions import bindings_for
from vconsole.tui.background import results
from vconsole.tui.background.hosting import (
    EquivalentsArrived,
    HostArrived,
    HostChanged,
    HostLook,
    UpgradePlanned,
    change_in_background,
    plan_upgrade_in_background,
    read_equivalents_in_background,
    read_in_background,
)
from vconsole.tui.screens.base import ConsoleScreen
from vconsole.tui.widgets.check_list import CheckList
from vconsole.tui.widgets.host_panel import HostPanel

# What others change on this host, by a command that was copied too, is noticed so soon.
LOOK_EVERY_S = 5.0


class HostScreen(ConsoleScreen):
    NAME = "host"
    CSS_PATH = "host.tcss"
    AUTO_FOCUS = "CheckList"
    BINDINGS = bindings_for("host")

    def __init__(self) -> None:
        super().__init__()
        self._reading = False
        self._refused_verb = ""

    def contents(self) -> ComposeResult:
        with Container(id="host"):
            yield CheckList(id="checks")
            yield HostPanel(id="host-panel")

    def on_mount(self) -> None:
        super().on_mount()
        self.set_interval(LOOK_EVERY_S, self.look_again)

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        self.look_again()

    @property
    def panel(self) -> HostPanel:
        return self.query_one(HostPanel)

    @property
    def checks(self) -> CheckList:
        return self.query_one(CheckList)

    @property
    def client(self) -> SupervisorClient:
        return SupervisorClient(self.console_app.socket_path)

    def look_again(self) -> None:
        status = self.console_app.session.view().status
        if self.is_current and status is not None and not self._reading:
            self._reading = True
            read_in_background(self, self.console_app.read_host, self.client, status)

    @on(HostArrived)
    def _arrived(self, message: HostArrived) -> None:
        self._reading = False
        if self._is_done_by_hand(message.look):
            self.panel.refused = None
            rest = message.look.ollama is not None and message.look.ollama.taken is not None
            more = " `g` gives back the rest." if rest and self._refused_verb == "restore" else ""
            words = f"It has been run: Ollama is as it was asked to be.{more}"
            self.notify(words, markup=False)
        self.checks.show_examination(message.look.examination)
        self.panel.show_look(message.look)

    def _is_done_by_hand(self, look: HostLook) -> bool:
        """Whether what was refused has happened since."""
        report = look.ollama
        if self.panel.refused is None or report is None:
            return False
        return report.running == (self._refused_verb == "restore")

    @on(HostChanged)
    def _changed(self, message: HostChanged) -> None:
        if message.error is not None:
            self.console_app._say(results.refusal(message.words, message.error))
        else:
            steps = message.ollama.steps if message.ollama else ()
            refused = [step for step in steps if not step.ok]
            self.panel.refused = refused[0].detail if refused else None
            self._refused_verb = message.words
            if not refused:
                self.notify(f"Done: {message.words}.", markup=False)
        self._reading = False
        self.look_again()

    def do_host_look(self) -> None:
        self.look_again()

    def do_host_fix(self) -> None:
        check = self.checks.marked
        if check is None or check.fix is None:
            self.notify("This check has no fix from here; its remedy says what to do.")
            return
        fix = check.fix
        effects = [*fix.effects]
        ready = self.console_app.session.view().state is ServerState.READY
        if fix.restarts and ready:
            effects.append("It restarts the server, and measures its speed before and after.")
        elif fix.restarts:
            effects.append("It works from the next start of the server on.")
        name = self.console_app.server_name
        words = ("doctor", "--fix", "--only", check.name, "--yes", "--name", name)
        self.ask_chore(fix.words, check.title, effects, "do it", words, self.look_again)

    def do_host_copy(self) -> None:
        check = self.checks.marked
        text = self.panel.refused or (check.remedy if check else None)
        if text:
            self.console_app.copy(text, "command")

    def do_host_unload(self) -> None:
        change_in_background(self, "unload", lambda: self.client.change_ollama("unload"))

    def do_host_restore(self) -> None:
        change_in_background(self, "restore", lambda: self.client.change_ollama("restore"))

    def do_host_ollama_stop(self) -> None:
        self._climb("stop")

    def do_host_disable(self) -> None:
        self._climb("disable")

    def do_host_block(self) -> None:
        self._climb("block")

    def do_host_end(self) -> None:
        self._climb("end")

    def do_host_upgrade(self) -> None:
        self.notify("Looking up the newest vLLM ...", timeout=4)
        plan_upgrade_in_background(self)

    @on(UpgradePlanned)
    def _upgrade_planned(self, message: UpgradePlanned) -> None:
        if message.error is not None:
            self.console_app._say(results.refusal("upgrade", message.error))
            return
        effects = [
            *message.lines,
            "",
            "Beside the engine that serves: flags checked, started, smoke-tested, timed against"
            " the old one; only then it becomes current. A running server keeps its engine until it"
            " is restarted.",
        ]
        words = ("engine", "upgrade", "--version", message.version, "--yes")
        self.ask_chore(
            "Upgrade the engine?",
            f"vLLM {message.version}",
            effects,
            "upgrade",
            words,
            self.look_again,
        )

    def do_host_service(self) -> object:
        return self.console_app.switch_mode("service")

    def do_host_equivalents(self) -> None:
        read_equivalents_in_background(self)

    @on(EquivalentsArrived)
    def _equivalents(self, message: EquivalentsArrived) -> None:
        if not message.found:
            self.notify(
                "Ollama has no models here, or its store cannot be read.", severity="warning"
            )
            return
        from vconsole.tui.screens.equivalents import EquivalentsScreen

        self.app.push_screen(EquivalentsScreen(message.found), self._plan)

    async def _plan(self, repository: str | None) -> None:
        """Show its plan among the models."""
        if repository is None:
            return
        from vconsole.tui.screens.models import ModelsScreen

        await self.console_app.switch_mode("models")
        if isinstance(self.app.screen, ModelsScreen):
            self.app.screen.models.filter(repository)

    def do_host_rollback(self) -> None:
        look = self.panel.look
        if look is None or look.previous is None:
            self.notify("There is no engine to go back to.", severity="warning")
            return
        from vconsole.supervisor.upgrading.upgrade import roll_back

        effects = [
            f"{look.previous} becomes current in the place of {look.engine}.",
            "A running server keeps its engine until it is restarted.",
            "The same as: vconsole engine rollback",
        ]
        self._ask_to_change("Roll the engine back?", look.engine, effects, "roll back", roll_back)

    def _climb(self, verb: str) -> None:
        """Ask before a rung that takes Ollama away, with exactly what it changes."""
        report = self.panel.look.ollama if self.panel.look else None
        rungs = {rung.name: rung.detail or "" for rung in report.next_rungs} if report else {}
        if report is None or verb not in rungs:
            self.notify(f"Ollama cannot be asked to {verb} now.", severity="warning")
            return
        pid = f" --pid {report.pid}" if verb == "end" else ""
        effects = [
            f"What changes: {rungs[verb]}.",
            "`restore` gives it back.",
            f"The same as: vconsole ollama {verb}{pid}",
        ]
        self._ask_to_change(
            f"Ollama: {verb}?",
            report.owner or "Ollama",
            effects,
            verb,
            lambda: self.client.change_ollama(verb, report.pid if verb == "end" else None),
        )

    def _ask_to_change(
        self, title: str, target: str, effects: Sequence[str], verb: str, act: Callable[[], object]
    ) -> None:
        self.ask(title, target, effects, verb, lambda: change_in_background(self, verb, act))
