"""A job as whoever swaps its server's model deals with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from vconsole.supervisor.jobs.model import ENDED

if TYPE_CHECKING:
    from vconsole.supervisor.jobs.job import Job
    from vconsole.supervisor.jobs.jobs import Jobs

POLL_S = 0.2


class JobAtWork:
    """`pause` lasts until `model` is served again, whatever becomes of the supervisor."""

    def __init__(self, jobs: Jobs, job: Job, model: str | None) -> None:
        self._jobs = jobs
        self._job = job
        self._model = model

    @property
    def id(self) -> str:
        return self._job.id

    async def pause(self) -> None:
        """Have it send nothing more, and wait until nothing of it is in the server."""
        self._jobs.wait_for_model(self._job, self._model)
        await _until(lambda: not self._job.is_sending or self._job.record.state in ENDED)

    async def resume(self) -> None:
        """Go on, unless somebody resumed or cancelled it meanwhile."""
        if self._job.is_paused and self._job.record.waits_for_model is not None:
            self._jobs.resume(self.id)

    async def wait(self) -> None:
        """Until it has ended, or its user has paused it."""
        await _until(lambda: self._job.record.state in ENDED or self._job.is_paused)


async def _until(is_so: Callable[[], bool]) -> None:
    while True:
        if is_so():
            return
        await asyncio.sleep(POLL_S)
