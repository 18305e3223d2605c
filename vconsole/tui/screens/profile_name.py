"""Asks how the profile is to be called that is made of a server."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label

from vconsole.errors import VConsoleError
from vconsole.models.profile_file import save_profile
from vconsole.models.profiles import load_profiles
from vconsole.supervisor.model import ServerStatus
from vconsole.supervisor.models.profiles import profile_of
from vconsole.tui.widgets.field import Field


class ProfileNameScreen(ModalScreen[str | None]):
    """Answers with the name under which the profile was saved."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "give_up", show=False)]

    def __init__(self, server: ServerStatus) -> None:
        super().__init__()
        self._server = server
        self._refused: str | None = None

    def compose(self) -> ComposeResult:
        with Vertical(id="model-box") as box:
            box.border_title = "Save as a profile"
            box.border_subtitle = "enter saves, esc cancels"
            yield Label(f"What {self._server.name} runs, all its flags", markup=False)
            yield Field(self._server.profile or "", placeholder="a name, such as nightly")
            yield Label("`vconsole start NAME` starts it again.", markup=False)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        name = event.value.strip()
        if not name:
            return
        try:
            if name in load_profiles() and name != self._refused:
                self._refused = name
                self.notify(f"{name} exists: enter again replaces it.", severity="warning")
                return
            path = save_profile(name, profile_of(self._server))
        except VConsoleError as error:
            self.notify(f"{error.message}\n{error.remedy}", severity="error", markup=False)
            return
        self.app.notify(f"Saved {name} in {path}.", markup=False)
        self.dismiss(name)

    def action_give_up(self) -> None:
        self.dismiss(None)
