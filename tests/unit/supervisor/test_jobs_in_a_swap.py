"""What becomes of jobs while the model of their server is swapped; the queue is the real one.

The server is a stand-in: what counts of it here is what it serves, and whether a swap is under way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from vconsole import paths
from vconsole.requests.batch.model import BatchSpec
from vconsole.supervisor.jobs.jobs import Jobs
from vconsole.supervisor.jobs.model import JobRecord, JobState
from vconsole.supervisor.jobs.store import JobStore
from vconsole.supervisor.memory.history import History
from vconsole.supervisor.model import ServerState
from vconsole.supervisor.servers.server import Server
from vconsole.supervisor.telling.event_log import EventLog

NOW = datetime.now(UTC)
# Not due while the test lasts, so that nobody starts a process for it.
TOMORROW = NOW + timedelta(days=1)
SAVED: dict[str, Any] = {
    "id": "b1",
    "spec": BatchSpec("/in", "/out"),
    "server": "main",
    "created_at": NOW,
}
Make = Callable[..., Jobs]


def serving(model: str, *, under_way: bool) -> Server:
    life = SimpleNamespace(
        launch=SimpleNamespace(served_name=model, url="http://127.0.0.1:9", command=()),
        api_key=None,
    )
    book = SimpleNamespace(state=ServerState.READY)
    swapper = SimpleNamespace(under_way=under_way)
    return cast(Server, SimpleNamespace(name="main", life=life, book=book, swapper=swapper))


@pytest.fixture
def make() -> Iterator[Make]:
    """Jobs with this one remembered, on a server that serves lark."""
    paths.private_folder(paths.state_dir())
    history = History(paths.history_path())
    made: list[Jobs] = []

    def with_job(*, under_way: bool = False, **fields: Any) -> Jobs:
        store = JobStore(paths.jobs_path())
        store.save(JobRecord(**{**SAVED, **fields}))
        store.close()
        server = serving("lark", under_way=under_way)
        made.append(Jobs(lambda _: server, EventLog(history, lambda: None), lambda: None))
        return made[-1]

    yield with_job
    for jobs in made:
        jobs.close()
    history.close()


@pytest.mark.parametrize(
    ("under_way", "state"), [(True, JobState.PAUSED), (False, JobState.QUEUED)]
)
async def test_a_job_that_a_swap_has_paused_stays_so_until_the_swap_is_over(
    make: Make, under_way: bool, state: JobState
) -> None:
    """Its model serves on until the swap comes to the drain, which is no reason to go on."""
    paused = {"state": JobState.PAUSED, "waits_for_model": "lark", "not_before": TOMORROW}
    jobs = make(under_way=under_way, **paused)
    await jobs.beat()
    assert jobs.get("b1").state == state


@pytest.mark.parametrize(
    ("fields", "at_work"),
    [
        ({"state": JobState.QUEUED}, True),
        ({"state": JobState.QUEUED, "not_before": NOW}, True),
        ({"state": JobState.QUEUED, "not_before": TOMORROW}, False),
        ({"state": JobState.PAUSED}, False),
        ({"state": JobState.DONE}, False),
        ({"state": JobState.QUEUED, "server": "second"}, False),
        ({"state": JobState.QUEUED, "url": "http://elsewhere"}, False),
    ],
)
def test_who_is_due_is_at_work_as_far_as_a_swap_is_concerned(
    make: Make, fields: dict[str, Any], at_work: bool
) -> None:
    assert bool(make(**fields).at_work_on("main")) is at_work


async def test_one_that_was_cancelled_while_a_swap_had_paused_it_stays_cancelled(
    make: Make,
) -> None:
    jobs = make(state=JobState.QUEUED)
    (job,) = jobs.at_work_on("main")
    await job.pause()
    assert jobs.get("b1").state == JobState.PAUSED
    jobs.cancel("b1")
    await job.resume()
    assert jobs.get("b1").state == JobState.CANCELLED
