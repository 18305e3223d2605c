"""The steps of one verb: timed, and an administrator's missing yes is a step and no error."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

from vconsole.errors import VConsoleError
from vconsole.supervisor.model import Step

Work = Callable[[], Awaitable[object]]


class Steps:
    """What was done so far; `refused` once a step needs a privilege that we do not have.

    The refused step's detail is the command for all that is left, to be copied in one piece.
    """

    def __init__(self) -> None:
        self.done: tuple[Step, ...] = ()
        self.refused = False

    async def take(
        self, name: str, work: Work, detail: str | None = None, by_hand: str | None = None
    ) -> None:
        """Carry out one step; after a refusal its `by_hand` is only added to what is to copy."""
        if self.refused:
            self._leave_to_the_administrator(by_hand)
            return
        started_s = time.monotonic()
        try:
            await work()
        except VConsoleError as error:
            if error.kind != "not_permitted":
                raise
            self.refused = True
            self._add(name, started_s, False, by_hand or error.remedy)
            return
        self._add(name, started_s, True, detail)

    def _add(self, name: str, started_s: float, ok: bool, detail: str | None) -> None:
        self.done = (*self.done, Step(name, time.monotonic() - started_s, ok, detail))

    def _leave_to_the_administrator(self, by_hand: str | None) -> None:
        if by_hand:
            *before, last = self.done
            self.done = (*before, replace(last, detail=f"{last.detail} && {by_hand}"))
