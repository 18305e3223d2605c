"""What a swap does about jobs that work on the server, by each rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from vconsole.errors import ExitCode, VConsoleError
from vconsole.supervisor.model import JobsRule
from vconsole.supervisor.servers.operations import RunningOperation
from vconsole.supervisor.servers.swap.work import (
    jobs_out_of_the_way,
    nobody_pulls,
    refuse_for_jobs,
)


@dataclass
class NotingJob:
    """A job that writes down what is done to it."""

    id: str
    seen: list[str] = field(default_factory=list)

    async def pause(self) -> None:
        self.seen.append("pause")

    async def resume(self) -> None:
        self.seen.append("resume")

    async def wait(self) -> None:
        self.seen.append("wait")

    @property
    def at_work(self) -> bool:
        return not {"pause", "wait"} & set(self.seen)


def at_work(*jobs: NotingJob) -> Callable[[], tuple[NotingJob, ...]]:
    """Those of `jobs` that nobody has paused or waited for yet."""
    return lambda: tuple(job for job in jobs if job.at_work)


def running() -> RunningOperation:
    return RunningOperation("swap", "main", lambda: None)


def test_a_job_is_a_reason_to_refuse_unless_told_otherwise() -> None:
    refuse_for_jobs((), JobsRule.REFUSE, "main")
    refuse_for_jobs((NotingJob("batch-1"),), JobsRule.PAUSE, "main")
    with pytest.raises(VConsoleError, match="batch-1 is at work on main") as caught:
        refuse_for_jobs((NotingJob("batch-1"),), JobsRule.REFUSE, "main")
    assert caught.value.exit_code is ExitCode.REFUSED


@pytest.mark.parametrize(
    ("rule", "is_back", "seen"),
    [
        (JobsRule.WAIT, True, ["wait", "swap"]),
        (JobsRule.PAUSE, True, ["pause", "swap", "resume"]),
        (JobsRule.PAUSE, False, ["pause", "swap"]),
    ],
)
async def test_each_rule(rule: JobsRule, is_back: bool, seen: list[str]) -> None:
    job, operation = NotingJob("batch-1"), running()
    async with jobs_out_of_the_way(at_work(job), rule, operation, lambda: is_back):
        job.seen.append("swap")
    assert job.seen == seen
    assert all(step.detail == "batch-1" for step in operation.snapshot.steps)


async def test_a_paused_job_goes_on_when_the_swap_is_rolled_back() -> None:
    job = NotingJob("batch-1")
    with pytest.raises(VConsoleError, match="rolled back"):
        async with jobs_out_of_the_way(at_work(job), JobsRule.PAUSE, running(), lambda: True):
            raise VConsoleError("rolled back")
    assert job.seen == ["pause", "resume"]


@pytest.mark.parametrize(
    ("rule", "seen"), [(JobsRule.PAUSE, ["pause", "resume"]), (JobsRule.WAIT, ["wait"])]
)
async def test_a_job_that_begins_meanwhile_is_dealt_with_too(
    rule: JobsRule, seen: list[str]
) -> None:
    first, second, operation = NotingJob("b1"), NotingJob("b2"), running()

    def jobs_now() -> tuple[NotingJob, ...]:
        return at_work(first, second)() if first.seen else at_work(first)()

    async with jobs_out_of_the_way(jobs_now, rule, operation, lambda: True):
        assert not second.at_work
    assert first.seen == second.seen == seen
    words = [step.detail for step in operation.snapshot.steps]
    assert words[:2] == ["b1", "b2"]


async def test_without_anybody_to_pull_the_remedy_names_the_command() -> None:
    with pytest.raises(VConsoleError, match="not on this disk") as caught:
        await nobody_pulls("owner/model", {})
    assert caught.value.remedy
    assert "vconsole models pull owner/model" in caught.value.remedy
