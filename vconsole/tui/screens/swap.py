"""The question before a swap, and what is to become of the jobs that work on the model."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from vconsole.supervisor.model import JobsRule
from vconsole.tui.background import verbs
from vconsole.tui.view import View
from vconsole.tui.widgets.confirm_box import ConfirmBox

RULES = (JobsRule.PAUSE, JobsRule.WAIT, JobsRule.REFUSE)


class SwapScreen(ModalScreen[JobsRule | None]):
    """Answers with the rule for the jobs, or None; `j` goes from rule to rule where any runs."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "swap", show=False),
        Binding("j", "next_rule", show=False),
        Binding("enter,escape,n,q", "give_up", show=False),
    ]

    def __init__(self, view: View, model: str, more: tuple[str, ...] = ()) -> None:
        super().__init__()
        self._view = view
        self._model = model
        self._more = more
        self._jobs = verbs.running_jobs(view)
        self._rule = RULES[0] if self._jobs else JobsRule.REFUSE
        self._box = ConfirmBox("Swap the model?", verbs.target(view), self._effects(), "swap it")

    def compose(self) -> ComposeResult:
        yield self._box

    def _effects(self) -> list[str]:
        return verbs.swap_effects(self._view, self._model, self._rule, self._more)

    def action_next_rule(self) -> None:
        if self._jobs:
            self._rule = RULES[(RULES.index(self._rule) + 1) % len(RULES)]
            self._box.show_effects(self._effects())

    def action_swap(self) -> None:
        self.dismiss(self._rule)

    def action_give_up(self) -> None:
        self.dismiss(None)
