"""The profiles as a dialog: start one, edit it in its form, compare it, copy its command."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from vconsole.errors import VConsoleError
from vconsole.models.profile_file import remove_profile
from vconsole.models.profile_flags import difference_of
from vconsole.models.profiles import load_profiles
from vconsole.supervisor.models.profiles import command_of, profile_of
from vconsole.supervisor.tuning.deciding import before_tune, take_back
from vconsole.tui.screens.confirm import ConfirmScreen
from vconsole.tui.screens.profile_form import ProfileFormScreen
from vconsole.tui.screens.profile_name import ProfileNameScreen
from vconsole.tui.view import View
from vconsole.tui.widgets.profiles_box import ProfilesBox

if TYPE_CHECKING:
    from vconsole.tui.app import ConsoleApp

NOT_TOUCHED = "Servers that run are not touched."


class ProfilesScreen(ModalScreen[None]):
    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,p", "dismiss", show=False),
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("enter", "begin('start')", show=False),
        Binding("e", "begin('edit')", show=False),
        Binding("n", "begin('new')", show=False),
        Binding("d", "begin('diff')", show=False),
        Binding("y", "begin('copy')", show=False),
        Binding("b", "begin('before')", show=False),
        Binding("X", "begin('remove')", show=False),
    ]

    def __init__(self, view: View) -> None:
        super().__init__()
        self._view = view
        self._box = ProfilesBox({})

    def compose(self) -> ComposeResult:
        yield self._box

    def on_mount(self) -> None:
        self._box.styles.height = min(24, self.app.size.height - 2)
        self._load()

    def _load(self) -> None:
        try:
            self._box.take(load_profiles())
        except VConsoleError as error:
            self._box.details = (error.message, error.remedy or "")

    def action_move(self, step: int) -> None:
        self._box.move(step)

    def action_begin(self, what: str) -> None:
        """Carry out a key; an error is said and nothing changes."""
        changing = {"start": self._start, "edit": self._edit, "new": self._new}
        changing.update(remove=self._remove, before=self._before)
        work: dict[str, Callable[[], None]] = {"diff": self._diff, "copy": self._copy, **changing}
        if self._view.readonly and what in changing:
            self.notify("This console is read-only.", severity="warning")
            return
        if what != "new" and self._box.name_chosen is None:
            return
        self._try(work[what])

    def _try(self, work: Callable[[], object]) -> None:
        try:
            work()
        except VConsoleError as error:
            self.notify(f"{error.message}\n{error.remedy or ''}", severity="error", markup=False)

    @property
    def _chosen(self) -> str:
        return self._box.name_chosen or ""

    def _start(self) -> None:
        cast("ConsoleApp", self.app).verbs.start(self._chosen)
        self.dismiss()

    def _edit(self) -> None:
        form = ProfileFormScreen(self._chosen, self._box.profiles[self._chosen])
        self.app.push_screen(form, lambda _: self._load())

    def _new(self) -> None:
        server = self._view.server
        if server is None or not server.command:
            self.notify("No server ran yet, so there is nothing to make one of.")
            return
        self.app.push_screen(ProfileNameScreen(server), lambda _: self._load())

    def _diff(self) -> None:
        """What differs between the chosen profile and the server that is looked at."""
        server = self._view.server
        if server is None or server.model is None:
            self.notify("No server ran yet, so there is nothing to compare with.")
            return
        chosen, running = self._box.profiles[self._chosen], profile_of(server)
        rows = difference_of(chosen.flags, running.flags)
        same = () if chosen.model == running.model else (f"model: {running.model}",)
        self._box.details = (f"what {server.name} has instead:", *same, *rows)
        if not rows and not same:
            self._box.details = (f"{server.name} runs with the same flags",)
        self._box.redraw()

    def _copy(self) -> None:
        command = command_of(self._chosen)
        self._box.details = (command,)
        self._box.redraw()
        cast("ConsoleApp", self.app).copy(command, "command line")

    def _before(self) -> None:
        """Give the chosen profile back what it was before a search for better flags."""
        name, old = self._chosen, before_tune(self._chosen)
        rows = difference_of(self._box.profiles[name].flags, old.flags)
        effects = [*rows, NOT_TOUCHED, f"enter starts {name} as it is then."]
        self._ask("As it was before it was tuned?", effects, "go back", lambda: take_back(name))

    def _remove(self) -> None:
        name = self._chosen
        self._ask("Remove the profile?", [NOT_TOUCHED], "remove it", lambda: remove_profile(name))

    def _ask(self, title: str, effects: list[str], verb: str, act: Callable[[], object]) -> None:
        def answered(yes: bool | None) -> None:
            if yes:
                self._try(act)
                self._load()

        self.app.push_screen(ConfirmScreen(title, self._chosen, effects, verb), answered)
