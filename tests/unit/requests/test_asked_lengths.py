"""How long requests were, kept over restarts of vLLM and of the supervisor, and drawn from."""

from __future__ import annotations

import math
from statistics import fmean

import pytest

from tests.support.standin import reply, standin
from vconsole import paths
from vconsole.engine.metrics.figures import Histogram, Scrape
from vconsole.requests.bench.asked_lengths import kept_lengths
from vconsole.requests.bench.model import Target
from vconsole.requests.bench.workload import lengths_of_history
from vconsole.supervisor.memory.lengths import LengthsLog

BOUNDS = (10.0, 100.0, 1000.0, math.inf)


def scrape(*prompts: float, answers: tuple[float, ...] = (4, 4, 4, 4)) -> Scrape:
    """Cumulative counts of prompts, and of answers of at most ten tokens."""
    return Scrape(
        request_prompt_tokens=Histogram(BOUNDS, prompts, 0.0),
        request_generation_tokens=Histogram(BOUNDS, answers, 0.0),
    )


@pytest.fixture(autouse=True)
def state() -> None:
    paths.private_folder(paths.state_dir())


def prompts_of(server: str) -> tuple[float, ...]:
    return kept_lengths()[server].prompts.counts


async def test_lives_add_up_and_nothing_is_counted_twice() -> None:
    first = LengthsLog()
    first.take("main", "life-1", scrape(0, 2, 2, 2), counted=True)
    first.take("main", "life-1", scrape(0, 5, 6, 6), counted=True)
    await first.write()
    assert prompts_of("main") == (0, 5, 6, 6)
    again = LengthsLog()
    again.take("main", "life-1", scrape(0, 5, 6, 6), counted=True)
    again.take("main", "life-1", scrape(0, 6, 7, 7), counted=True)
    again.take("main", "life-2", scrape(3, 3, 3, 3), counted=True)
    await again.write()
    assert prompts_of("main") == (3, 9, 10, 10)


async def test_what_a_bench_sends_is_not_what_users_ask() -> None:
    log = LengthsLog()
    log.take("main", "life", scrape(0, 3, 3, 3), counted=True)
    log.take("main", "life", scrape(0, 3, 99, 99), counted=False)
    log.take("main", "life", scrape(0, 4, 100, 100), counted=True)
    await log.write()
    assert prompts_of("main") == (0, 4, 4, 4)


async def test_a_foreign_servers_past_is_not_counted_and_its_present_is() -> None:
    log = LengthsLog()
    log.take("theirs", "life", scrape(0, 50, 50, 50), counted=True, foreign=True)
    log.take("theirs", "life", scrape(0, 51, 51, 51), counted=True, foreign=True)
    await log.write()
    assert prompts_of("theirs") == (0, 1, 1, 1)


async def test_servers_are_apart_and_one_without_histograms_is_left_out() -> None:
    log = LengthsLog()
    log.take("a", "life", scrape(1, 1, 1, 1), counted=True)
    log.take("b", "life", Scrape(), counted=True)
    await log.write()
    assert set(kept_lengths()) == {"a"}
    assert paths.state_dir().joinpath("lengths.json").stat().st_mode & 0o777 == 0o600


async def test_lengths_are_drawn_from_what_is_kept_though_the_server_is_new() -> None:
    log = LengthsLog()
    log.take("main", "life", scrape(0, 100, 100, 100), counted=True)
    await log.write()
    target = Target("main", "http://127.0.0.1:9")
    found = await lengths_of_history(target, 400, server="main")
    assert min(one.prompt_tokens for one in found) >= 10
    assert max(one.prompt_tokens for one in found) <= 100
    assert 40 < fmean(one.prompt_tokens for one in found) < 70
    assert max(one.output_tokens for one in found) <= 10


async def test_where_nothing_is_kept_the_server_itself_is_asked() -> None:
    lines = [
        f'vllm:request_{kind}_tokens_bucket{{le="{bound}"}} {count}'
        for kind in ("prompt", "generation")
        for bound, count in (("10.0", 0), ("20.0", 7), ("+Inf", 7))
    ]
    lines += [f"vllm:request_{kind}_tokens_sum 105" for kind in ("prompt", "generation")]
    lines += [f"vllm:request_{kind}_tokens_count 7" for kind in ("prompt", "generation")]
    body = ("\n".join(lines) + "\n").encode()
    async with standin({"/metrics": reply(body)}) as peer:
        found = await lengths_of_history(Target("main", peer.url), 20, server="main")
    assert all(10 <= one.prompt_tokens <= 20 for one in found)
