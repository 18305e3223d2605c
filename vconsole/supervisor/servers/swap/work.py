"""What a swap needs of others: jobs that work on the server, and who can pull a model."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Protocol

from vconsole.errors import ExitCode, VConsoleError
from vconsole.supervisor.model import JobsRule
from vconsole.supervisor.servers.operations import RunningOperation


class RunningJob(Protocol):
    """A job as far as a swap deals with it; `resume` goes on where `pause` left off."""

    @property
    def id(self) -> str: ...
    async def pause(self) -> None: ...
    async def resume(self) -> None: ...
    async def wait(self) -> None: ...


JobsOn = Callable[[str], tuple[RunningJob, ...]]
# Fetches a Hub repository, with these variables, to the end; raises where it cannot.
Pull = Callable[[str, Mapping[str, str]], Awaitable[None]]


def none_known(server: str) -> tuple[RunningJob, ...]:
    """What works on a server where nobody runs jobs."""
    return ()


async def nobody_pulls(model: str, environment: Mapping[str, str]) -> None:
    """What becomes of a pull where nobody can do it."""
    raise VConsoleError(
        f"{model} is not on this disk; nobody would serve while vLLM fetched it",
        f"fetch it first, while the old one serves: vconsole models pull {model}",
        kind="not_on_disk",
    )


def refuse_for_jobs(jobs: tuple[RunningJob, ...], rule: JobsRule, server: str) -> None:
    if jobs and rule is JobsRule.REFUSE:
        raise VConsoleError(
            f"{_named(jobs)} is at work on {server}, and a swap would take its model away",
            "`--jobs pause` pauses it until its model is back; `--jobs wait` swaps after its end",
            ExitCode.REFUSED,
            kind="jobs_running",
        )


@asynccontextmanager
async def jobs_out_of_the_way(
    jobs_now: Callable[[], tuple[RunningJob, ...]],
    rule: JobsRule,
    operation: RunningOperation,
    model_is_back: Callable[[], bool],
) -> AsyncIterator[None]:
    """Wait for jobs, or pause them and have them go on where their model serves afterwards.

    `jobs_now` is asked again until there is none: another may have begun meanwhile.
    """
    if rule is JobsRule.WAIT:
        while jobs := jobs_now():
            with operation.step("wait for jobs", _named(jobs)):
                for job in jobs:
                    await job.wait()
        yield
        return
    paused: tuple[RunningJob, ...] = ()
    try:
        while jobs := jobs_now():
            paused += jobs
            with operation.step("pause jobs", _named(jobs)):
                for job in jobs:
                    await job.pause()
        yield
    finally:
        if paused and model_is_back():
            with operation.step("resume jobs", _named(paused)):
                for job in paused:
                    await job.resume()


def _named(jobs: tuple[RunningJob, ...]) -> str:
    return ", ".join(job.id for job in jobs)
