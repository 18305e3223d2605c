"""Request: a prompt above, its answer streaming below, the parameters at the side."""

from __future__ import annotations

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from vconsole.supervisor.client import SupervisorClient
from vconsole.supervisor.model import ServerState
from vconsole.tui.actions import bindings_for
from vconsole.tui.asking import Asking
from vconsole.tui.exchange import Exchange
from vconsole.tui.messages import AnswerEvent
from vconsole.tui.screens.base import WIDE_WIDTH, ConsoleScreen
from vconsole.tui.widgets.answer_panel import AnswerPanel
from vconsole.tui.widgets.asked_panel import AskedPanel
from vconsole.tui.widgets.figures_line import FiguresLine
from vconsole.tui.widgets.key_bar import KeyBar
from vconsole.tui.widgets.parameter_form import ParameterForm
from vconsole.tui.widgets.prompt_area import PromptArea

DRAW_EVERY_S = 0.1
WRITING = (
    ("enter", "send"),
    ("ctrl+j", "new line"),
    ("up", "earlier"),
    ("f2", "parameters"),
    ("esc", "leave the field"),
)
FILLING = (("tab", "next field"), ("f2", "fold away"), ("esc", "leave the field"))


class RequestScreen(ConsoleScreen):
    NAME = "request"
    CSS_PATH = "request.tcss"
    BINDINGS = bindings_for("request")

    def __init__(self) -> None:
        super().__init__()
        self._exchanges: list[Exchange] = []
        self._shown: int | None = None
        self._asking: Asking | None = None
        self._undrawn = False

    def contents(self) -> ComposeResult:
        with Horizontal(id="request"):
            with Vertical(id="exchange"):
                with Vertical(id="prompt-box") as box:
                    box.border_title = "Prompt"
                    yield PromptArea(
                        id="prompt", compact=True, placeholder="Ask the model something"
                    )
                yield AnswerPanel(id="answer")
                yield FiguresLine(id="figures-line")
            with Vertical(id="parameters"):
                yield ParameterForm(id="form")
                yield AskedPanel(id="asked")

    def on_mount(self) -> None:
        super().on_mount()
        self.prompt.focus()
        self.set_interval(DRAW_EVERY_S, self._draw_if_needed)

    @property
    def prompt(self) -> PromptArea:
        return self.query_one(PromptArea)

    @property
    def answer(self) -> AnswerPanel:
        return self.query_one(AnswerPanel)

    @property
    def shown(self) -> Exchange | None:
        return self._exchanges[self._shown - 1] if self._shown else None

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        bar = self.query_one(KeyBar)
        bar.typing = ()
        if event.widget is self.prompt:
            bar.typing = WRITING
        elif event.widget is not self.answer:
            bar.typing = FILLING
        bar.redraw()

    @on(PromptArea.Sent)
    def _send(self, message: PromptArea.Sent) -> None:
        state = self.console_app.session.view().state
        if not message.text:
            return
        if self.shown is not None and self.shown.running:
            self.notify("An answer is coming in: esc stops it.", severity="warning")
            return
        if state is not ServerState.READY:
            self.notify("The server is not ready to be asked.", severity="warning")
            return
        self._ask(message.text)

    def _ask(self, prompt: str) -> None:
        number = len(self._exchanges) + 1
        request = self.query_one(ParameterForm).request(prompt)
        self._exchanges.append(Exchange(number, request))
        client = SupervisorClient(self.console_app.socket_path, timeout_s=120.0)
        self._asking = Asking(self, client, self.console_app.server_name, number, request)
        self._asking.begin()
        self._shown = number
        self.prompt.clear()
        self._draw()

    @on(AnswerEvent)
    def _take(self, message: AnswerEvent) -> None:
        index = message.number - 1
        self._exchanges[index] = self._exchanges[index].with_event(message.event)
        self._undrawn = True
        if not self._exchanges[index].running:
            self._draw()

    def _draw_if_needed(self) -> None:
        if self._undrawn and self.is_current:
            self._draw()

    def _draw(self) -> None:
        self._undrawn = False
        self.answer.show_exchange(self.shown)
        self.query_one(FiguresLine).show_exchange(self.shown)
        self.query_one(AskedPanel).show_exchanges(self._exchanges, self._shown)

    @on(PromptArea.Left)
    def _leave_prompt(self) -> None:
        self.do_request_stop()

    @on(PromptArea.Recalled)
    def _recalled(self, message: PromptArea.Recalled) -> None:
        self._recall(message.step)

    def _recall(self, step: int) -> None:
        """Show an earlier or later request, its prompt ready to be sent again."""
        if not self._exchanges:
            return
        at = self._shown or len(self._exchanges) + 1
        if step < 0 and not self.prompt.text and self._shown:
            at += 1
        self._shown = min(max(1, at + step), len(self._exchanges))
        if self.shown is not None:
            self.prompt.text = self.shown.request.prompt
            self.prompt.move_cursor(self.prompt.document.end)
        self._draw()

    def do_request_prompt(self) -> None:
        self.prompt.focus()

    def do_request_stop(self) -> None:
        """Stop the answer coming in; with none, leave the text field."""
        shown = self.shown
        if shown is not None and shown.running and self._asking is not None:
            self._asking.stop()
            self._exchanges[shown.number - 1] = shown.stop()
            self._draw()
        else:
            self.answer.focus()

    def do_request_older(self) -> None:
        self._recall(-1)

    def do_request_newer(self) -> None:
        self._recall(1)

    def do_request_parameters(self) -> None:
        """Fold the column away or out; where it opens, its first field gets the keys."""
        column = self.query_one("#parameters")
        opening = not column.display
        self.set_class(opening, "-unfold")
        self.set_class(not opening, "-fold")
        if opening:
            self.query_one("#system").focus()
        else:
            self.prompt.focus()

    def fit_to_size(self) -> None:
        if self.app.size.width < WIDE_WIDTH and self.focused is self.prompt:
            self.remove_class("-unfold")

    def do_request_copy(self) -> None:
        if self.shown is not None and self.shown.text:
            self.console_app.copy(self.shown.text, "answer")
        else:
            self.notify("There is no answer to copy.", severity="warning")
