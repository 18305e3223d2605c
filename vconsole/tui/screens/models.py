"""Models: what could be served here, with the plan of the marked one beside it."""

from __future__ import annotations

from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input, Label

from vconsole.errors import VConsoleError
from vconsole.models.fit.plan import Verdict
from vconsole.models.rows import Listing, ModelRow
from vconsole.supervisor.model import Operation, OperationState, Status
from vconsole.supervisor.models.cards import TargetCard, card_of_host, named_card
from vconsole.tui.actions import bindings_for
from vconsole.tui.background.modelling import ListingArrived, Modelling, RemovalArrived
from vconsole.tui.screens.base import ConsoleScreen
from vconsole.tui.screens.starting_a_model import start_model
from vconsole.tui.view import View
from vconsole.tui.widgets.field import Field
from vconsole.tui.widgets.key_bar import KeyBar
from vconsole.tui.widgets.model_list import ModelList
from vconsole.tui.widgets.model_plan import ModelPlan

# Plans change with the memory that is free, but not with every page that moves.
STEP_BYTES = 256 << 20
FILTERING = (("enter", "keep"), ("esc", "clear"))
CHOOSING = (("enter", "plan for it"), ("esc", "this machine's card"))


class ModelsScreen(ConsoleScreen):
    NAME = "models"
    CSS_PATH = "models.tcss"
    BINDINGS = bindings_for("models")
    PLACEHOLDERS: ClassVar[dict[str, str]] = {
        "/": "part of a name, AWQ, fits ...",
        "card": "RTX 4090, H100, or GiB such as 24; nothing is this machine's",
    }

    def __init__(self) -> None:
        super().__init__()
        self._chosen: TargetCard | None = None
        self._read_for: object = None
        self._asking = ""

    def contents(self) -> ComposeResult:
        with Horizontal(id="model-field-row"):
            yield Label("/", id="model-field-label", markup=False)
            yield Field(id="model-field")
        with Horizontal(id="models"):
            yield ModelList(id="model-list")
            yield ModelPlan(id="model-plan")

    def on_mount(self) -> None:
        super().on_mount()
        self.models.focus()

    @property
    def models(self) -> ModelList:
        return self.query_one(ModelList)

    @property
    def field(self) -> Input:
        return self.query_one("#model-field", Input)

    @property
    def modelling(self) -> Modelling:
        return Modelling(self, self.app, self.console_app.socket_path)

    def show(self, view: View) -> None:
        super().show(view)
        if view.status is not None and self.is_current:
            self._read_if_needed(view.status)
        self._show_plan()

    def show_listing(self, listing: Listing) -> None:
        """Draw these rows, whoever read them."""
        self.models.show_listing(listing)

    def _read_if_needed(self, status: Status) -> None:
        target = self._chosen or card_of_host(status.gpus, status.host, without_ours=True)
        card, running = target.card, tuple(one.id for one in _running_pulls(status))
        now = (card.name, card.total_bytes, card.free_bytes // STEP_BYTES, running)
        if now != self._read_for:
            self._read_for = now
            self.modelling.read(target)

    def read_again(self) -> None:
        self._read_for = None
        self.show(self.console_app.current_view())

    @on(ListingArrived)
    def _listing(self, message: ListingArrived) -> None:
        self.show_listing(message.listing)

    @on(ModelList.Moved)
    def _show_plan(self) -> None:
        row, listing = self.models.marked, self.models.listing
        pull = self._pull_of(row) if row else None
        self.query_one(ModelPlan).show_row(row, listing.card if listing else None, pull)

    def _pull_of(self, row: ModelRow) -> Operation | None:
        status = self.console_app.session.view().status
        pulls = [one for one in status.operations if one.subject == row.name] if status else []
        return pulls[-1] if pulls else None

    def do_models_start(self) -> None:
        if (row := self._marked()) is not None:
            start_model(self.console_app, row)

    def do_models_pull(self) -> None:
        row = self._marked()
        if row is None:
            return
        if row.source in ("demo", "folder") or row.on_disk:
            self.warn(f"{row.name} is on this machine already.")
        elif row.verdict is Verdict.TOO_BIG:
            why = [*(row.plan.why if row.plan else ()), "It can be pulled nevertheless."]
            self.ask("Pull what is too big?", row.name, why, "pull it", lambda: self._pull(row))
        else:
            self._pull(row)

    def _pull(self, row: ModelRow) -> None:
        self.notify(f"Pulling {row.name}: it continues by itself.", timeout=4, markup=False)
        self.modelling.pull(row.name)

    def do_models_cancel(self) -> None:
        row = self._marked()
        pull = self._pull_of(row) if row else None
        if pull is None or pull.state is not OperationState.RUNNING:
            self.warn("It is not being pulled.")
        else:
            self.modelling.cancel(pull.id)

    def do_models_remove(self) -> None:
        row = self._marked()
        if row is not None and row.source == "cache":
            self.modelling.remove(row.name, dry_run=True)
        elif row is not None:
            self.warn("Only models in the Hugging Face cache can be removed here.")

    @on(RemovalArrived)
    def _removal(self, message: RemovalArrived) -> None:
        removed = message.removed
        freed = f"{removed.freed_bytes / 1e9:.1f} GB"
        if removed.removed:
            self.notify(f"{freed} are free again.", title="Removed", markup=False)
            self.read_again()
            return
        effects = [f"It frees {freed} at {removed.path}.", "It can be pulled again."]
        self.ask(
            "Remove the model?",
            removed.name,
            effects,
            "remove it",
            lambda: self.modelling.remove(removed.name, dry_run=False),
        )

    def do_models_filter(self) -> None:
        self._open_field("/", self.models.words, FILTERING)

    def do_models_card(self) -> None:
        self._open_field("card", "", CHOOSING)

    @on(Input.Changed, "#model-field")
    def _changed(self, event: Input.Changed) -> None:
        if self._asking == "/":
            self.models.filter(event.value)

    @on(Input.Submitted, "#model-field")
    def _submitted(self, event: Input.Submitted) -> None:
        if self._asking == "card":
            self._choose(event.value.strip())
        self._close_field()

    def _choose(self, given: str) -> None:
        try:
            self._chosen = _card(given) if given else None
        except VConsoleError as error:
            self.warn(f"{error.message}. {error.remedy}")
            return
        self.read_again()

    def on_key(self, event: events.Key) -> None:
        if event.key != "escape":
            return
        if self._asking == "card":
            self._choose("")
        elif self._asking or self.models.words:
            self.field.value = ""
            self.models.filter("")
        self._close_field()
        event.stop()

    def _open_field(self, what: str, value: str, keys: tuple[tuple[str, str], ...]) -> None:
        self._asking = what
        self.query_one("#model-field-label", Label).update(what)
        self.field.placeholder = self.PLACEHOLDERS[what]
        self.field.value = value
        self.add_class("-asking")
        self.field.focus()
        self._type(keys)

    def _close_field(self) -> None:
        self._asking = ""
        self.remove_class("-asking")
        self.models.focus()
        self._type(())

    def _type(self, keys: tuple[tuple[str, str], ...]) -> None:
        bar = self.query_one(KeyBar)
        bar.typing = keys
        bar.redraw()

    def _marked(self) -> ModelRow | None:
        if self.models.marked is None:
            self.warn("No model is marked.")
        return self.models.marked


def _running_pulls(status: Status) -> list[Operation]:
    pulls = (one for one in status.operations if one.kind == "pull")
    return [one for one in pulls if one.state is OperationState.RUNNING]


def _card(given: str) -> TargetCard:
    """A card by its name, or by its GiB alone."""
    try:
        return named_card(None, float(given.lower().removesuffix("gib").removesuffix("gb")))
    except ValueError:
        return named_card(given, None)
