"""The page for whoever comes back after more than an hour."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.console import figures_of_the_sketches as sketches
from tests.console import happenings
from tests.console.conftest import Stage, painted, toasts, until, until_live
from vconsole.errors import ExitCode
from vconsole.supervisor.model import ErrorBody
from vconsole.tui.app import ConsoleApp

GOOD, FAILED = Path("good.log"), Path("failed.log")


def come_back(stage: Stage, minutes: float) -> ConsoleApp:
    stage.supervise(sketches.ready(GOOD))
    stage.peer.report = happenings.REPORT
    stage.peer.away_since = sketches.NOW - timedelta(minutes=minutes)
    return stage.console()


async def test_after_an_hour_it_is_the_first_page(stage: Stage) -> None:
    app = come_back(stage, 560)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.screen_name == "away", "the page came")
        assert stage.peer.reports_asked == [stage.peer.away_since.isoformat()]  # type: ignore[union-attr]
        shown = painted(app)
        for words in (
            "While you were away",
            "9h 20m",
            "48,211 requests",
            "84 error",
            "2,154.3 Wh",
            "0.69 EUR",
            "TTFT p95 75 % left",
            "see to its cooling",
            "1 failure",
            "--gpu-memory-utilization 0.88",
            "1 restart",
            "t smoke test",
            "esc goes to the overview",
        ):
            assert words in shown, words
        await pilot.press("pagedown")
        shown = painted(app)
        for words in ("nightly  done  100,000 of 100,000, 17 failed", "4 other warnings"):
            assert words in shown, words
        for _ in range(3):
            await pilot.press("pagedown")
            shown += painted(app)
        for words in ("TTFT p95 at most 1,000 ms", "15.2k of 1.2M", "a month like this"):
            assert words in shown, words
        await pilot.press("escape")
        await until(pilot, lambda: app.screen_name == "overview", "the overview came")
        assert "1,842" in painted(app)


@pytest.mark.parametrize("minutes", [59, -5])
async def test_within_the_hour_it_does_not_come(stage: Stage, minutes: float) -> None:
    app = come_back(stage, minutes)
    async with app.run_test(size=(80, 24)) as pilot:
        await until_live(pilot)
        await pilot.pause(0.3)
        assert app.screen_name == "overview"
        assert stage.peer.reports_asked == []


async def test_it_comes_once_and_not_with_the_line(stage: Stage) -> None:
    app = come_back(stage, 560)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.screen_name == "away", "the page came")
        await pilot.press("e")
        await until(pilot, lambda: app.screen_name == "events", "the events came")
        await pilot.press("escape")
        stage.peer.end()
        come_back(stage, 560)
        await pilot.press("c")
        await until(pilot, lambda: app.session.link == "live", "the line was back")
        await pilot.pause(0.3)
        assert app.screen_name == "overview"


async def test_nothing_went_wrong_is_said_too(stage: Stage) -> None:
    app = come_back(stage, 180)
    stage.peer.report = happenings.QUIET
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.screen_name == "away", "the page came")
        assert "✓ Nothing went wrong." in painted(app)
        assert "energy   —     cost  —" in painted(app)


async def test_a_server_that_is_failed_now_has_its_keys_there(stage: Stage) -> None:
    app = come_back(stage, 560)
    failed = sketches.failed(FAILED)
    stage.peer.publish(replace(failed, server=replace(failed.server, name="main")))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.screen_name == "away", "the page came")
        assert "r start again   l show in log" in painted(app)


async def test_the_last_day_can_be_asked_for(stage: Stage) -> None:
    app = come_back(stage, 1)
    async with app.run_test(size=(80, 24)) as pilot:
        await until_live(pilot)
        await app.action_perform("report")
        await until(pilot, lambda: app.screen_name == "away", "the page came")
        assert "The last day" in painted(app)
        since = (sketches.NOW - timedelta(days=1)).isoformat()
        assert stage.peer.reports_asked == [since]


async def test_a_report_that_cannot_be_had_is_told_to_who_asked(stage: Stage) -> None:
    app = come_back(stage, 1)
    async with app.run_test(size=(80, 24)) as pilot:
        await until_live(pilot)
        stage.peer.refusal = ErrorBody("failed", "the disk is gone", None, int(ExitCode.FAILED))
        await app.action_perform("report")
        await until(pilot, lambda: bool(toasts(app)), "a toast came")
        assert "the disk is gone" in toasts(app)[0]
