"""The form of a profile: every flag of the installed vLLM as a field, found as one types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Input

from vconsole.engine.options.option import EngineOptions
from vconsole.errors import VConsoleError
from vconsole.models.on_disk import folder_of
from vconsole.models.profile_file import save_profile
from vconsole.models.profiles import Profile
from vconsole.supervisor.models.fallbacks import Fallback, offered
from vconsole.supervisor.models.profiles import installed_options
from vconsole.tui.background.calls import deliver, in_background
from vconsole.tui.forms.flag_form import FlagForm
from vconsole.tui.widgets.field import Field
from vconsole.tui.widgets.flag_list import FlagList

PAGE = 10
KEYS = "enter edits  del clears  ctrl+s saves  esc leaves"
SEARCH = "type to search: speculative, lora, cuda graphs, multi gpu …"


@dataclass
class OptionsRead(Message):
    """What the engine takes, or why that cannot be read."""

    options: EngineOptions | None
    error: VConsoleError | None = None


@dataclass
class FallbacksOffered(Message):
    """What the planner would have this profile fall back to."""

    chain: tuple[Fallback, ...]


class ProfileFormScreen(ModalScreen[Profile | None]):
    """Answers with the profile as it was saved, or None."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", show=False, priority=True),
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("down", "move(1)", show=False, priority=True),
        Binding("pageup", f"move(-{PAGE})", show=False, priority=True),
        Binding("pagedown", f"move({PAGE})", show=False, priority=True),
        Binding("ctrl+s", "save", show=False, priority=True),
        Binding("delete", "clear", show=False, priority=True),
    ]

    def __init__(self, name: str, profile: Profile) -> None:
        super().__init__()
        self._name_of_profile = name
        self._profile = profile
        self._list = FlagList(f"Profile {name}")
        self._warned = ""
        self._offered: tuple[Fallback, ...] = ()

    @property
    def form(self) -> FlagForm | None:
        return self._list.form

    def compose(self) -> ComposeResult:
        with Vertical(id="form-box"):
            yield Field(id="form-search", placeholder=SEARCH)
            yield self._list
            with Vertical(id="form-value-box") as box:
                box.border_title = "Value"
                box.border_subtitle = KEYS
                yield Field(id="form-value", disabled=True)

    def on_mount(self) -> None:
        self.query_one("#form-search").focus()
        in_background("engine-options", self._read)
        in_background("fallbacks", self._offer)

    def _read(self) -> None:
        try:
            message = OptionsRead(installed_options())
        except VConsoleError as error:
            message = OptionsRead(None, error)
        deliver(self, message)

    def _offer(self) -> None:
        try:
            chain = offered(self._profile)
        except VConsoleError:
            return
        deliver(self, FallbacksOffered(chain))

    @on(FallbacksOffered)
    def _take_offer(self, message: FallbacksOffered) -> None:
        self._offered = message.chain
        if self.form is not None:
            self.form.offered = tuple(one.model for one in message.chain)
            self._list.redraw()

    @on(OptionsRead)
    def _take_options(self, message: OptionsRead) -> None:
        if message.options is not None:
            self._list.form = FlagForm(self._profile, message.options)
            self._list.form.offered = tuple(one.model for one in self._offered)
        elif message.error is not None:
            self._list.waiting = f"{message.error.message}. {message.error.remedy or ''}"
        self._list.redraw()

    @on(Input.Changed, "#form-search")
    def _searched(self, event: Input.Changed) -> None:
        if self.form is not None:
            self.form.search = event.value
            self._list.chosen = 0
            self._list.redraw()

    @on(Input.Submitted, "#form-search")
    def _edit(self) -> None:
        """Turn a switch, or put the chosen value into the field below."""
        row = self._list.row
        if self.form is None or row is None:
            return
        if row.option.kind == "switch":
            self.form.turn(row.option)
            self._list.redraw()
            return
        field = self.query_one("#form-value", Input)
        field.disabled = False
        field.value = self.form.beginning(row)
        field.focus()

    @on(Input.Submitted, "#form-value")
    def _put(self, event: Input.Submitted) -> None:
        row = self._list.row
        if self.form is not None and row is not None:
            try:
                self.form.put(row.option, event.value)
            except VConsoleError as error:
                self.notify(f"{error.message}: {error.remedy}", severity="warning", markup=False)
                return
            name = row.option.name
            rows = [each.option.name for each in self.form.rows()]
            self._list.chosen = rows.index(name) if name in rows else 0
        self._close_field()

    def _close_field(self) -> None:
        field = self.query_one("#form-value", Input)
        field.value, field.disabled = "", True
        self.query_one("#form-search").focus()
        self._list.redraw()

    def action_move(self, step: int) -> None:
        self._list.move(step)

    def action_clear(self) -> None:
        row = self._list.row
        if self.form is not None and row is not None:
            self.form.put(row.option, "")
            self._list.redraw()

    def action_save(self) -> None:
        """Save; what this vLLM would refuse is named first, and saved only when asked again."""
        if self.form is None:
            return
        found = "\n".join(
            fault.why + (f": is it {fault.closest}?" if fault.closest else "")
            for fault in self.form.faults()
        )
        if found and found != self._warned:
            self._warned = found
            text = f"{found}\nctrl+s again saves it anyway."
            self.notify(text, title="Not what this vLLM takes", severity="warning", markup=False)
            return
        try:
            save_profile(self._name_of_profile, self.form.profile)
        except VConsoleError as error:
            self.notify(f"{error.message}\n{error.remedy}", severity="error", markup=False)
            return
        missing = [one for one in self.form.profile.fallback if folder_of(one) is None]
        for name in missing:
            text = f"{name} is not on this disk: vconsole models pull {name}"
            self.app.notify(text, title="A fallback to pull beforehand", markup=False)
        self.dismiss(self.form.profile)

    def action_leave(self) -> None:
        """Leave the field, then the form; what is not saved is asked about once."""
        if self.query_one("#form-value").has_focus:
            self._close_field()
        elif self.form is not None and self.form.changed and self._warned != "leave":
            self._warned = "leave"
            self.notify("Not saved: ctrl+s saves, esc again leaves it.", severity="warning")
        else:
            self.dismiss(None)
