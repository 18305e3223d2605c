"""Metrics, single requests and the smoke test on a real vLLM."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from time import monotonic

import pytest

from tests.conftest import Served
from vconsole.engine.http.client import EngineClient
from vconsole.engine.metrics.exposition import parse
from vconsole.engine.metrics.figures import Scrape
from vconsole.engine.metrics.rates import MetricsWindow
from vconsole.requests.ask import ask
from vconsole.requests.messages import AskEvent, AskRequest
from vconsole.requests.smoke import run_smoke
from vconsole.requests.smoke_checks import CHECKS

pytestmark = pytest.mark.engine


async def scrape(client: EngineClient) -> Scrape:
    return parse(await client.metrics())


async def at_rest(client: EngineClient) -> Scrape:
    """The first scrape within five seconds that shows no request in the engine."""
    for _ in range(100):
        seen = await scrape(client)
        if seen.requests_running == 0:
            return seen
        await asyncio.sleep(0.05)
    pytest.fail("requests still run after five seconds")


async def answer(server: Served, request: AskRequest) -> tuple[str, AskEvent]:
    events = [event async for event in ask(server.url, request, model=server.served_name)]
    return "".join(event.text for event in events if event.kind == "text"), events[-1]


async def test_the_client_reads_version_and_model(engine_server: Served) -> None:
    async with EngineClient(engine_server.url) as client:
        assert await client.health()
        assert (await client.version())[0].isdigit()
        (card,) = await client.models()
        assert (card.id, card.max_model_len) == (engine_server.served_name, 2048)


async def test_a_streamed_answer_has_words_and_figures(engine_server: Served) -> None:
    text, done = await answer(engine_server, AskRequest("Hello!", max_tokens=40, temperature=0.0))
    assert text.strip()
    assert done.kind == "done"
    assert done.finish_reason in {"stop", "length"}
    assert done.prompt_tokens
    assert done.completion_tokens
    assert done.ttft_ms is not None
    assert done.total_ms is not None
    assert 0 < done.ttft_ms <= done.total_ms
    assert done.tokens_per_s is not None
    assert done.tokens_per_s > 1


async def test_streamed_and_whole_answers_agree(engine_server: Served) -> None:
    streamed = AskRequest("Hello!", max_tokens=12, temperature=0.0)
    whole = AskRequest("Hello!", max_tokens=12, temperature=0.0, stream=False)
    (text, done), (whole_text, whole_done) = (
        await answer(engine_server, streamed),
        await answer(engine_server, whole),
    )
    assert text == whole_text
    assert done.completion_tokens == whole_done.completion_tokens
    assert whole_done.ttft_ms is None


async def test_a_refused_request_shows_vllm_s_reason(engine_server: Served) -> None:
    _, refused = await answer(engine_server, AskRequest("Hello!", max_tokens=100_000))
    assert refused.error is not None
    assert "max_tokens=100000 cannot be greater than max_model_len=2048" in refused.error.message


async def test_closing_the_iterator_aborts_in_vllm(engine_server: Served) -> None:
    async with EngineClient(engine_server.url) as client:
        before = await scrape(client)
        body = {"prompt": "Once", "max_tokens": 2000, "ignore_eos": True, "stream": True}
        async with aclosing(client.stream("/v1/completions", body, object, 30.0)) as events:
            await anext(events)
            assert (await scrape(client)).requests_running == 1
        after = await at_rest(client)
        await asyncio.sleep(0.5)
        later = await scrape(client)
    assert before.generation_tokens is not None
    assert after.generation_tokens is not None
    assert after.generation_tokens - before.generation_tokens < 1500
    assert later.generation_tokens == after.generation_tokens
    assert later.finished_by_reason["length"] == before.finished_by_reason["length"]


async def test_ask_closed_early_leaves_nothing_running(engine_server: Served) -> None:
    request = AskRequest("Tell me a long story.", max_tokens=1500)
    async with EngineClient(engine_server.url) as client:
        async with aclosing(ask(engine_server.url, request)) as events:
            assert (await anext(events)).kind == "text"
        assert (await at_rest(client)).requests_running == 0


async def test_the_window_measures_what_was_generated(engine_server: Served) -> None:
    window = MetricsWindow()
    body = {"prompt": "Once", "max_tokens": 60, "ignore_eos": True}
    async with EngineClient(engine_server.url) as client:
        start_s = monotonic()
        window.add(start_s, await scrape(client))
        await asyncio.gather(
            *(client.post("/v1/completions", body, object, 60.0) for _ in range(4))
        )
        await asyncio.sleep(0.2)
        end_s = monotonic()
        window.add(end_s, await scrape(client))
    metrics = window.metrics(end_s)
    assert metrics is not None
    assert metrics.generation_tokens_per_s == pytest.approx(240 / (end_s - start_s), rel=0.1)
    assert metrics.requests_per_s == pytest.approx(4 / (end_s - start_s), rel=0.1)
    assert metrics.ttft_ms.p50 is not None
    assert metrics.itl_ms.mean is not None
    assert 0 < metrics.itl_ms.mean < (end_s - start_s) * 1000 / 59
    assert metrics.kv_cache_tokens is not None
    assert metrics.kv_cache_tokens >= 2048


async def test_every_smoke_check_passes(engine_server: Served) -> None:
    report = await run_smoke(engine_server.url, engine_server.served_name)
    assert [check for check in report.checks if not check.passed] == []
    assert [check.name for check in report.checks] == list(CHECKS)
