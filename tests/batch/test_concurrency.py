"""The concurrency that finds itself, on the stub whose best is known: slots over service time."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.batch.conftest import spec_of, write_requests
from tests.support.stub import stub
from vconsole.requests.batch.concurrency import Concurrency, Look
from vconsole.requests.batch.model import Directive, Progress
from vconsole.requests.batch.runner import Run

pytestmark = pytest.mark.slow


async def rate_between(
    tmp_path: Path, options: tuple[str, ...], begin_s: float, end_s: float
) -> float:
    """Requests a second that were answered in a span of a run's time."""
    source = write_requests(tmp_path / "in.jsonl", 60_000)
    cancelled = False
    seen: list[Progress] = []
    with stub(*options) as url:
        spec = spec_of(source, tmp_path / "out.jsonl")
        run = Run(spec, lambda: Directive(url, cancelled=cancelled), seen.append)
        running = asyncio.create_task(run.run())
        await asyncio.sleep(begin_s)
        before = run.progress()
        await asyncio.sleep(end_s - begin_s)
        after = run.progress()
        cancelled = True
        await asyncio.wait_for(running, 60)
    return (after.completed - before.completed) / (after.seconds - before.seconds)


@pytest.mark.parametrize(
    ("options", "begin_s", "best_per_s"),
    [
        (("--slots", "8", "--service-ms", "200"), 6.0, 40.0),
        (("--slots", "128", "--service-ms", "80", "--then", "4:24"), 14.0, 300.0),
    ],
)
async def test_it_reaches_what_the_best_fixed_number_does(
    tmp_path: Path, options: tuple[str, ...], begin_s: float, best_per_s: float
) -> None:
    """Ten seconds after the start or after the limit has moved, within a busy machine's noise."""
    found = await rate_between(tmp_path, options, begin_s, begin_s + 4)
    assert 0.93 * best_per_s < found < 1.05 * best_per_s


def test_a_fixed_number_is_kept_whatever_the_engine_says() -> None:
    fixed = Concurrency(7)
    fixed.look(Look(1.0, 7, 5.0, 0, 7, 900, preempted=True, refused=True))
    assert fixed.limit(0.25) == 7


def test_preemptions_and_refusals_make_it_smaller_for_a_while() -> None:
    found = Concurrency(None)
    found.look(Look(1.0, 32, 5.0, 0, 30, 0, preempted=True))
    assert found.limit(1.0) == 24
    for now_s in range(2, 12):
        found.look(Look(float(now_s), found.limit(1.0), 5.0, 0, found.limit(1.0), 0))
    assert found.limit(1.0) == 24
    found.look(Look(12.0, 24, 5.0, 0, 24, 0, refused=True))
    assert found.limit(1.0) == 16


def test_a_share_is_a_part_of_the_whole() -> None:
    found = Concurrency(None)
    assert (found.limit(0.5), found.limit(0.25), found.limit(0.001)) == (16, 8, 1)


def test_an_engine_that_says_nothing_yet_is_not_flooded_and_one_wrong_look_halves_at_most() -> None:
    found = Concurrency(None)
    for number in range(20):
        found.look(Look(number * 0.15, found.limit(1.0), 0.0, 0, 0, 0))
    assert found.limit(1.0) == 32
    for number in range(3):
        found.look(Look(4 + number * 0.15, 32, 0.0, 0, 1, 31))
    assert found.limit(1.0) == 16
