"""What a wide console shows beside the rest: ten minutes, bounds, batches, joules, the card."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.console import figures_of_the_sketches as sketches
from tests.console.conftest import Stage, painted, toasts, until, until_live
from vconsole.engine.metrics.figures import Bound, Metrics, Quantiles
from vconsole.settings import PriceSettings
from vconsole.supervisor.model import Job, Status
from vconsole.tui.screens.confirm import ConfirmScreen

WIDE, NARROW = (140, 45), (80, 24)
LOG = Path("good.log")


def measured(**figures: Any) -> Status:
    status = sketches.ready(LOG)
    return replace(status, metrics=replace(status.metrics or Metrics(), **figures))


async def screen(
    stage: Stage, status: Status, size: tuple[int, int], ascii_only: bool = False
) -> str:
    stage.supervise(status)
    app = stage.console(ascii_only=ascii_only)
    async with app.run_test(size=size) as pilot:
        await until_live(pilot)
        return painted(app)


@pytest.mark.parametrize(
    ("size", "ascii_only", "words"),
    [
        (WIDE, False, ["ITL    ≤10 ms  ≤10 ms  ≥2.6 s  6.1 ms      13 ms   18 ms   34 ms"]),
        (NARROW, False, ["≤10 ms   ≤10 ms   ≥2.6 s"]),
        (NARROW, True, ["<10 ms   <10 ms   >2.6 s"]),
    ],
)
async def test_a_percentile_that_is_only_a_bound_has_a_sign(
    stage: Stage, size: tuple[int, int], ascii_only: bool, words: list[str]
) -> None:
    bounds = (Bound.AT_MOST, Bound.AT_MOST, Bound.AT_LEAST)
    drawn = await screen(
        stage, measured(itl_ms=Quantiles(10, 10, 2560, 6.1, *bounds)), size, ascii_only
    )
    assert all(word in drawn for word in words), drawn


async def test_room_is_used_for_batches_joules_drafts_and_the_load_of_the_card(
    stage: Stage,
) -> None:
    figures = {"spec_acceptance": 0.61, "waiting_by_reason": {"deferred": 3.0}}
    drawn = await screen(stage, measured(**figures), WIDE)
    assert "batch 26.4   7.42 tok/J" in drawn
    assert "deferred 3    drafts 61 %" in drawn
    assert "│ load  " in drawn
    assert "  power " in drawn


async def test_what_tokens_cost_is_told_where_the_settings_have_prices(stage: Stage) -> None:
    stage.supervise(measured())
    app = stage.console()
    app.prices = PriceSettings(kwh=0.32, currency="EUR")
    async with app.run_test(size=WIDE) as pilot:
        await until_live(pilot)
        # A million tokens at 7.42 a joule are 37.4 Wh.
        await until(pilot, lambda: "7.42 tok/J   0.0120 EUR/Mtok" in painted(app), "it was told")


async def test_without_room_they_are_left_out(stage: Stage) -> None:
    drawn = await screen(stage, measured(), NARROW)
    assert "batch" not in drawn
    assert "│ load  " not in drawn
    assert "1 min and 10 min" not in drawn


async def test_a_flag_that_is_advised_is_taken_after_a_question(stage: Stage) -> None:
    status = measured(kv_cache_usage=0.97, requests_waiting=4)
    stage.supervise(status)
    app = stage.console()
    async with app.run_test(size=WIDE) as pilot:
        await until_live(pilot)
        assert "Press x to do as advised." in painted(app)
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen), "it asked")
        assert "New in it: --kv-cache-dtype fp8" in painted(app)
        await until(pilot, lambda: "knows too little" in painted(app), "the plan was told")
        assert stage.peer.asked == []
        await pilot.press("y")
        await until(pilot, lambda: bool(stage.peer.asked), "it was asked for")
        assert stage.peer.asked == [("restart", {"changes": ["--kv-cache-dtype", "fp8"]})]


async def test_without_a_flag_to_take_the_key_says_so(stage: Stage) -> None:
    stage.supervise(sketches.on_a_cpu(LOG))
    app = stage.console()
    async with app.run_test(size=WIDE) as pilot:
        await until_live(pilot)
        await pilot.press("x")
        await until(pilot, lambda: "no hint can be acted on" in str(toasts(app)), "it said")
        assert stage.peer.asked == []


async def test_ollama_on_the_card_is_unloaded_after_a_question(stage: Stage) -> None:
    stage.supervise(measured(requests_running=1, kv_cache_usage=0.9))
    app = stage.console()
    async with app.run_test(size=WIDE) as pilot:
        await until_live(pilot)
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen), "it asked")
        assert "vconsole ollama unload" in painted(app)
        assert stage.peer.asked == []
        await pilot.press("y")
        await until(pilot, lambda: "are unloaded" in str(toasts(app)), "it was done")
        assert [verb for verb, _ in stage.peer.asked] == ["unload"]


async def test_a_job_that_sends_too_few_at_once_may_send_more(stage: Stage) -> None:
    job = Job("b7", "batch", "running", 1, 9, 0, server="main", concurrency=4)
    status = measured(requests_running=4, requests_waiting=0, kv_cache_usage=0.1)
    stage.supervise(replace(status, jobs=(job,)))
    app = stage.console()
    async with app.run_test(size=WIDE) as pilot:
        await until_live(pilot)
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen), "it asked")
        assert "b7 sends 8 requests at once instead of 4." in painted(app)
        await pilot.press("y")
        await until(pilot, lambda: bool(stage.peer.asked), "it was asked for")
        (verb, body) = stage.peer.asked[0]
        assert (verb, stage.peer.asked_of, body["concurrency"]) == ("change", ["b7"], 8)
