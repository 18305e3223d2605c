"""The overview's own keys: one panel alone, the time window, and holding still."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

from tests.console import figures_of_the_sketches as sketches
from tests.console.conftest import Stage, painted, until, until_live
from vconsole.supervisor.model import Sample, ServerState

GOOD, FAILED = Path("good.log"), Path("failed.log")


async def test_m_maximises_the_panel_in_focus_and_esc_restores(stage: Stage) -> None:
    stage.supervise(sketches.ready(GOOD))
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await until_live(pilot)
        await pilot.press("tab", "tab", "m")
        await until(pilot, lambda: "Latency" not in painted(app), "the others went")
        shown = painted(app)
        assert "Throughput" in shown
        assert "READY" in shown
        assert "q leave" in shown
        assert "10 min ago" in shown
        await pilot.press("escape")
        await until(pilot, lambda: "Latency" in painted(app), "the others were back")
        await pilot.press("enter")
        await until(pilot, lambda: "Latency" not in painted(app), "the others went again")
        await pilot.press("m")
        await until(pilot, lambda: "Latency" in painted(app), "m brought them back")


async def test_m_without_a_focus_takes_the_first_panel(stage: Stage) -> None:
    stage.supervise(sketches.ready(GOOD))
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await until_live(pilot)
        await pilot.press("m")
        await until(pilot, lambda: "Throughput" not in painted(app), "the others went")
        assert "RTX 4080" in painted(app)


async def test_latency_alone_tells_every_promise_and_both_means(stage: Stage) -> None:
    stage.supervise(sketches.ready(GOOD))
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await until_live(pilot)
        await pilot.press("tab", "tab", "tab", "m")
        await until(pilot, lambda: "Throughput" not in painted(app), "the others went")
        shown = painted(app)
        assert "TTFT p95 at most 1,000 ms" in shown
        assert "errors at most 1 %" in shown
        row = next(row for row in shown.splitlines() if "TTFT  " in row)
        figures = " ".join(row.split()[1:-1])
        assert figures == "TTFT 82 ms 310 ms 640 ms 118 ms 91 ms 340 ms 700 ms 131 ms"


async def test_w_goes_through_the_time_windows(stage: Stage) -> None:
    stage.supervise(sketches.ready(GOOD))
    app = stage.console()
    async with app.run_test(size=(140, 45)) as pilot:
        await until_live(pilot)
        for window in ("1 h", "1 d", "1 min", "10 min"):
            await pilot.press("w")
            await until(pilot, lambda w=window: f"{w} ago" in painted(app), f"{window} came")  # type: ignore[misc]


async def test_space_holds_the_screen_and_lets_it_go_on(stage: Stage) -> None:
    status = sketches.ready(GOOD)
    stage.supervise(status)
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await until_live(pilot)
        await pilot.press("space")
        await until(pilot, lambda: "PAUSED" in painted(app), "it said so")
        assert status.metrics is not None
        faster = replace(status, metrics=replace(status.metrics, generation_tokens_per_s=1999))
        stage.peer.publish(faster)
        await until(pilot, lambda: app.session.view().status == faster, "the news arrived")
        assert "1,842" in painted(app)
        await pilot.press("space")
        await until(pilot, lambda: "1,999" in painted(app), "it went on")
        assert "PAUSED" not in painted(app)


async def test_a_backoff_says_when_it_starts_again(stage: Stage) -> None:
    failed = sketches.failed(FAILED)
    waiting = replace(
        failed.server,
        state=ServerState.BACKOFF,
        restarts=2,
        next_start_at=sketches.NOW + timedelta(seconds=12),
        warnings=("the bind is open to all", "another"),
    )
    stage.supervise(replace(failed, server=waiting))
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await until_live(pilot)
        assert "Starts again in 12 s   2 restarts so far" in painted(app)
        assert "the bind is open to all" in painted(app)
        assert "--max-model-len 44688" in painted(app)


async def test_the_day_is_fetched_when_it_is_looked_at(stage: Stage) -> None:
    stage.supervise(sketches.ready(GOOD))
    stage.peer.day = tuple(
        Sample(at=sketches.NOW - timedelta(minutes=minutes), generation_tokens_per_s=4321.0)
        for minutes in range(1440, 0, -1)
    )
    app = stage.console()
    async with app.run_test(size=(140, 45)) as pilot:
        await until_live(pilot)
        highest = partial(app.session.view().history.peak, "generation_tokens_per_s")
        assert (highest(86_400, sketches.NOW) or 0) < 4000
        await pilot.press("w", "w")
        await until(pilot, lambda: highest(86_400, sketches.NOW) == 4321, "the day came")
        assert "1 d ago" in painted(app)
        assert " 12 h " in painted(app)
        assert "5k" in painted(app)
