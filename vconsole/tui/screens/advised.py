"""The question before a start with advised flags: what happens, and what the planner expects."""

from __future__ import annotations

from dataclasses import dataclass

from textual import on
from textual.message import Message

from vconsole.supervisor.model import Status
from vconsole.tui.background.calls import deliver, in_background
from vconsole.tui.screens.confirm import ConfirmScreen

PLANNING = "The plan: being made…"


@dataclass
class PlanMade(Message):
    sentence: str


class AdvisedScreen(ConfirmScreen):
    """Can be answered at once; the plan joins the question when it is made."""

    def __init__(
        self, target: str, effects: list[str], status: Status, flags: tuple[str, ...]
    ) -> None:
        super().__init__("Do as advised?", target, [*effects, PLANNING], "restart it")
        self._effects = effects
        self._status = status
        self._flags = flags

    def on_mount(self) -> None:
        in_background("advised-plan", self._plan)

    def _plan(self) -> None:
        from vconsole.tui.advice.expected import plan_sentence, plan_with

        plan = plan_with(self._status, self._flags)
        deliver(self, PlanMade(plan_sentence(plan, self._status)))

    @on(PlanMade)
    def _show(self, message: PlanMade) -> None:
        self.box.show_effects([*self._effects, message.sentence])
