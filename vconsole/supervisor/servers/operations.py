"""An operation while it runs: steps are timed, and everybody is told of each change."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

from vconsole.errors import ErrorBody, ExitCode, VConsoleError
from vconsole.models.fit.plan import Plan
from vconsole.requests.messages import SmokeCheck
from vconsole.supervisor.model import Operation, OperationState, Step


class RunningOperation:
    """The one writer of an `Operation`; `snapshot` is what clients see of it."""

    def __init__(self, kind: str, server: str, changed: Callable[[], None]) -> None:
        self.snapshot = Operation(
            id=secrets.token_hex(4),
            kind=kind,
            server=server,
            state=OperationState.RUNNING,
            started_at=datetime.now(UTC),
        )
        self.ended = asyncio.Event()
        self._started_s = time.monotonic()
        self._changed = changed

    @property
    def running(self) -> bool:
        return self.snapshot.state is OperationState.RUNNING

    @contextmanager
    def step(self, name: str, detail: str | None = None) -> Iterator[Callable[[str], None]]:
        """Time what is done inside; an error marks the step as failed and goes on upwards.

        What it yields takes a word on the step that is known only inside.
        """
        started_s = time.monotonic()
        before = self.snapshot.steps
        running = Step(name, detail=detail)
        self._update(steps=(*before, running))

        def told(word: str) -> None:
            nonlocal running
            running = replace(running, detail=word)

        def ended(ok: bool) -> None:
            over = replace(running, seconds=time.monotonic() - started_s, ok=ok)
            self._update(steps=(*before, over))

        try:
            yield told
        except BaseException:
            ended(ok=False)
            raise
        ended(ok=True)

    def falls_back(self, words: str) -> None:
        """A step that takes no time and says why another model is tried."""
        with self.step("fall back", words):
            pass

    def checked(self, check: SmokeCheck) -> None:
        """A check of the smoke test has ended; each is a step."""
        step = Step(check.name, check.ms / 1000, check.passed, check.detail)
        self._update(steps=(*self.snapshot.steps, step))

    def note(self, **fields: bool | str | Plan | tuple[str, ...] | tuple[Step, ...] | None) -> None:
        """Set further fields of the snapshot."""
        self._update(**fields)

    async def finished(self) -> None:
        """Wait for its end, and raise what it failed with."""
        await self.ended.wait()
        if error := self.snapshot.error:
            exit_code = ExitCode(error.exit_code)
            raise VConsoleError(error.message, error.remedy, exit_code, error.kind)

    def done(self) -> None:
        self._end(OperationState.DONE, None)

    def failed(self, error: VConsoleError) -> None:
        self._end(OperationState.FAILED, error.body())

    def _end(self, state: OperationState, error: ErrorBody | None) -> None:
        self._update(
            state=state,
            error=error,
            ended_at=datetime.now(UTC),
            seconds=time.monotonic() - self._started_s,
        )
        self.ended.set()

    def _update(self, **fields: object) -> None:
        self.snapshot = replace(self.snapshot, **fields)  # type: ignore[arg-type]
        self._changed()
