"""From a job on another screen to the batch or the bench screen, with that job marked."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vconsole.supervisor.model import Job
    from vconsole.tui.app import ConsoleApp


async def show_job(app: ConsoleApp, job_id: str) -> None:
    """Go there as its key does, also where that is refused."""
    status = app.session.view().status
    job = next((one for one in status.jobs if one.id == job_id), None) if status else None
    if job is not None and job.kind == "bench":
        await _show_bench(app, job)
        return
    await app.action_perform("screen.batch")
    from vconsole.tui.screens.batch import BatchScreen

    if isinstance(app.screen, BatchScreen):
        app.screen.mark(job_id)


async def _show_bench(app: ConsoleApp, job: Job) -> None:
    await app.action_perform("screen.bench")
    from vconsole.tui.screens.bench import BenchScreen

    if isinstance(app.screen, BenchScreen):
        # A bench is named by its job's title: `bench m3`.
        app.screen.mark((job.title or "").rpartition(" ")[2])
