"""Request: a prompt above, its answers streaming below, the parameters at the side."""

from __future__ import annotations

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from vconsole.requests.export import Form
from vconsole.supervisor.model import AskRequest, ServerState
from vconsole.tui.actions import bindings_for
from vconsole.tui.background.calls import deliver
from vconsole.tui.messages import AnswerEvent, NotKept
from vconsole.tui.requests.asked import Asked
from vconsole.tui.requests.exchange import Exchange
from vconsole.tui.requests.taking_away import taken_away
from vconsole.tui.screens.base import WIDE_WIDTH, ConsoleScreen
from vconsole.tui.widgets.answer_columns import AnswerColumns
from vconsole.tui.widgets.asked_panel import AskedPanel
from vconsole.tui.widgets.figures_line import FiguresLine
from vconsole.tui.widgets.key_bar import KeyBar
from vconsole.tui.widgets.parameter_form import FieldError, ParameterForm, Sending
from vconsole.tui.widgets.prompt_area import PromptArea

DRAW_EVERY_S = 0.1
WRITING = (
    ("enter", "send"),
    ("ctrl+j", "line"),
    ("up", "earlier"),
    ("ctrl+r", "find"),
    ("f2", "parameters"),
    ("esc", "leave"),
)
FILLING = (("tab", "next field"), ("f2", "fold away"), ("esc", "leave the field"))
FORGETTING = ("All prompts and answers that were kept are removed, of every console.",)


class RequestScreen(ConsoleScreen):
    NAME = "request"
    CSS_PATH = "request.tcss"
    BINDINGS = bindings_for("request")

    def __init__(self) -> None:
        super().__init__()
        self._asked = Asked(self, lambda error: deliver(self, NotKept(error)))
        self._undrawn = False
        self._unfolded: bool | None = None

    def contents(self) -> ComposeResult:
        with Horizontal(id="request"):
            with Vertical(id="exchange"):
                with Vertical(id="prompt-box") as box:
                    box.border_title = "Prompt"
                    yield PromptArea(
                        id="prompt", compact=True, placeholder="Ask the model something"
                    )
                yield AnswerColumns(id="answers")
                yield FiguresLine(id="figures-line")
            with Vertical(id="parameters"):
                yield ParameterForm(id="form")
                yield AskedPanel(id="asked")

    def on_mount(self) -> None:
        super().on_mount()
        self._asked.load()
        self._draw()
        self.prompt.focus()
        self.set_interval(DRAW_EVERY_S, self._draw_if_needed)

    def on_unmount(self) -> None:
        self._asked.close()

    @property
    def prompt(self) -> PromptArea:
        return self.query_one(PromptArea)

    @property
    def answers(self) -> AnswerColumns:
        return self.query_one(AnswerColumns)

    @property
    def form(self) -> ParameterForm:
        return self.query_one(ParameterForm)

    @property
    def shown(self) -> Exchange | None:
        return self._asked.shown

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """By what has the focus now: the events of quick keys come late."""
        bar = self.query_one(KeyBar)
        bar.typing = ()
        if self.focused is self.prompt:
            bar.typing = WRITING
        elif not self.answers.has_keys:
            bar.typing = FILLING
        bar.redraw()

    @on(PromptArea.Sent)
    def _send(self, message: PromptArea.Sent) -> None:
        if message.text and (sending := self._sending(message.text)) is not None:
            self._ask(sending)

    def _sending(self, prompt: str) -> Sending | None:
        """What the form says of this prompt; where it says nonsense, its field gets the keys."""
        turns = self._asked.turns(self.answers.chosen) if self.form.going_on else ()
        try:
            return self.form.sending(prompt, turns)
        except FieldError as error:
            self._complain(f"{error.message}\n{error.remedy or ''}".strip())
            self._unfold(True)
            self.query_one(f"#{error.field}").focus()
            return None

    def _ask(self, sending: Sending) -> None:
        view = self.console_app.session.view()
        known = {server.name for server in view.servers}
        if unknown := [name for name in sending.servers if name not in known]:
            self._complain(f"There is no server {unknown[0]}.")
        elif not sending.servers and view.state is not ServerState.READY:
            self._complain("The server is not ready to be asked.")
        elif self._asked.send(sending):
            self.prompt.clear()
            self._draw()
        else:
            self._complain("So many answers are coming in already: esc stops one.")

    def _complain(self, text: str) -> None:
        self.notify(text, severity="warning", markup=False)

    @on(AnswerEvent)
    def _take(self, message: AnswerEvent) -> None:
        ended = self._asked.take(message)
        self._undrawn = True
        if ended:
            self._draw()

    @on(NotKept)
    def _not_kept(self, message: NotKept) -> None:
        error = message.error
        self.notify(f"{error.message}\n{error.remedy or ''}", severity="warning", markup=False)

    def _draw_if_needed(self) -> None:
        if self._undrawn and self.is_current:
            self._draw()

    def _draw(self) -> None:
        self._undrawn = False
        shown = self.shown
        self.answers.show_exchange(shown)
        self._draw_figures()
        self.query_one(AskedPanel).show_exchanges(
            self._asked.exchanges, shown.number if shown else None
        )

    def _draw_figures(self) -> None:
        shown = self.shown
        column = shown.columns[self.answers.chosen] if shown else None
        self.query_one(FiguresLine).show_column(column, len(shown.columns) if shown else 1)

    @on(PromptArea.Left)
    def _leave_prompt(self) -> None:
        self.do_request_stop()

    @on(PromptArea.Recalled)
    def _recalled(self, message: PromptArea.Recalled) -> None:
        self._recall(message.step)

    def _recall(self, step: int) -> None:
        """Show an earlier or later request, its prompt ready to be sent again."""
        if self._asked.move(step, stay=step < 0 and not self.prompt.text):
            self._show_prompt()

    def _show_prompt(self) -> None:
        if self.shown is not None:
            self.prompt.text = self.shown.request.prompt
            self.prompt.move_cursor(self.prompt.document.end)
        self._draw()

    def do_request_prompt(self) -> None:
        self.prompt.focus()

    def do_request_stop(self) -> None:
        """Stop the answers coming in; with none, leave the text field."""
        if self._asked.stop():
            self._draw()
        else:
            self.answers.take_keys()

    def do_request_again(self) -> None:
        if self.shown is None:
            self._complain("There is nothing yet to send again.")
            return
        servers = tuple(dict.fromkeys(column.server for column in self.shown.columns))
        elsewhere = servers if servers != (self.console_app.server_name,) else ()
        copies = self.shown.lanes // len(servers)
        self._ask(Sending(self.shown.request, copies, elsewhere))

    def do_request_older(self) -> None:
        self._recall(-1)

    def do_request_newer(self) -> None:
        self._recall(1)

    def do_request_find(self) -> None:
        from vconsole.tui.screens.asked import AskedScreen

        def found(id: str | None) -> None:
            if id is not None and self._asked.show(id) and self.shown is not None:
                self.form.fill(self.shown.request)
                self._show_prompt()
                self.prompt.focus()

        self.app.push_screen(AskedScreen(self._asked.exchanges), found)

    def do_request_parameters(self) -> None:
        """To the first field; from a field back to the prompt, the column folded away."""
        inside = self.focused is not None and self.form in self.focused.ancestors
        self._unfold(not inside)
        self.set_focus(self.prompt if inside else self.query_one("#system"))

    def _unfold(self, opening: bool) -> None:
        self._unfolded = opening
        self.query_one("#parameters").display = opening

    def fit_to_size(self) -> None:
        """The column is there where there is room, until the user says otherwise."""
        wide = self.app.size.width >= WIDE_WIDTH
        if not wide and self.focused is self.prompt:
            self._unfolded = None
        column = self.query_one("#parameters")
        column.display = wide if self._unfolded is None else self._unfolded

    def do_request_go_on(self) -> None:
        self.form.going_on = not self.form.going_on
        self._say_switches()

    def do_request_raw(self) -> None:
        self.form.raw = not self.form.raw
        self._say_switches()

    def _say_switches(self) -> None:
        self.form.show_switches()
        form = self.form
        said = ["plain completion"] if form.raw else []
        said += ["continues the chat"] if form.going_on else []
        self.query_one("#prompt-box").border_subtitle = ", ".join(said)

    def do_request_next(self) -> None:
        self.answers.choose_next(1)
        self._draw_figures()

    def do_request_previous(self) -> None:
        self.answers.choose_next(-1)
        self._draw_figures()

    def do_request_fold(self) -> None:
        self.answers.fold()

    def do_request_copy(self) -> None:
        column = self.shown.columns[self.answers.chosen] if self.shown else None
        text = column and (column.text or "\n".join(call.arguments for call in column.calls))
        if text:
            self.console_app.copy(text, "answer")
        else:
            self._complain("There is no answer to copy.")

    def do_request_curl(self) -> None:
        self._take_away(Form.CURL)

    def do_request_python(self) -> None:
        self._take_away(Form.PYTHON)

    def do_request_batch_line(self) -> None:
        self._take_away(Form.BATCH)

    def _take_away(self, form: Form) -> None:
        """What is being written, else the request on show."""
        written = self.prompt.text.strip()
        request: AskRequest | None = self.shown.request if self.shown else None
        if written:
            sending = self._sending(written)
            if sending is None:
                return
            request = sending.request
        server = self.console_app.session.view().server
        if request is None or server is None or server.url is None:
            self._complain("There is no request to copy, or no server that it is for.")
        else:
            text, what = taken_away(form, request, server.url, server.served_name)
            self.console_app.copy(text, what)

    def do_request_forget(self) -> None:
        count = f"{len(self._asked.exchanges):,} requests"
        self.ask("Forget the history?", count, FORGETTING, "forget it", self._forget)

    def _forget(self) -> None:
        self._asked.forget()
        self._draw()
