"""Jobs on the overview: how far each is, and why one does not run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.console import figures_of_the_sketches as sketches
from tests.console.conftest import Stage, painted, until_live
from vconsole.supervisor.model import Job

NIGHT = Job("b1", "batch", "running", 41_210, 100_000, 3, eta_s=5160.0, title="nightly.jsonl")
HELD = Job("b2", "batch", "paused", 0, 0, 0, title="later.csv")
OVER = Job("b3", "batch", "done", 9, 9, 0, title="over.csv")


async def test_what_is_to_be_done_is_shown_and_what_is_over_is_not(stage: Stage) -> None:
    stage.supervise(replace(sketches.ready(Path("good.log")), jobs=(NIGHT, HELD, OVER)))
    app = stage.console()
    async with app.run_test(size=(140, 45)) as pilot:
        await until_live(pilot)
        drawn = painted(app)
    assert "Jobs and events" in drawn
    rows = drawn.splitlines()
    first = next(number for number, row in enumerate(rows) if "nightly.jsonl  3 failed" in row)
    assert "41,210 of 100,000" in rows[first]
    assert "41 %  1h 26m" in rows[first + 1]
    assert any("later.csv" in row for row in rows)
    assert any("—  paused" in row for row in rows)
    assert "over.csv" not in drawn


async def test_two_rows_fit_at_80_columns(stage: Stage) -> None:
    stage.supervise(replace(sketches.ready(Path("good.log")), jobs=(NIGHT,)))
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await until_live(pilot)
        drawn = painted(app)
    assert "41,210 of 100,000" in drawn
    assert "41 %  1h 26m" in drawn
