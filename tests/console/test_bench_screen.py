"""The bench screen: list, table, plot and pages, every key, and a new bench from a form."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.console import benches_of_the_sketches as benches
from tests.console import figures_of_the_sketches as sketches
from tests.console.conftest import Stage, after, asked, copied, painted, toasts, until, until_live
from tests.console.test_snapshots import Compare, at_80, both_sizes, press
from vconsole.requests.bench import kept
from vconsole.supervisor.jobs.model import JobStatus
from vconsole.supervisor.model import ErrorBody, Job
from vconsole.tui.actions import ACTIONS
from vconsole.tui.screens.bench import BenchScreen
from vconsole.tui.screens.bench_page import BenchPageScreen
from vconsole.tui.screens.confirm import ConfirmScreen
from vconsole.tui.screens.job_form import JobFormScreen
from vconsole.tui.screens.review import ReviewScreen
from vconsole.tui.widgets.bench_plot import BenchPlot
from vconsole.tui.widgets.events_panel import EventsPanel

GOOD = Path("good.log")


def screen_of(pilot: Pilot[None]) -> BenchScreen:
    return next(s for s in pilot.app.screen_stack if isinstance(s, BenchScreen))


def written(path: Path) -> str:
    return path.read_text()


def priced() -> None:
    folder = Path("config/vconsole")
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text('[prices]\nkwh = 0.3\ncurrency = "EUR"\n')


def supervise(stage: Stage, jobs: Sequence[JobStatus] | None = None) -> None:
    """The four kept ones with their jobs, the first of them running."""
    priced()
    stage.supervise(sketches.ready(GOOD)).jobs = benches.keep_all() if jobs is None else tuple(jobs)


async def open_bench(pilot: Pilot[None]) -> None:
    await until_live(pilot)
    await pilot.press("5")
    await until(pilot, lambda: isinstance(pilot.app.screen, BenchScreen), "the screen came")
    await until(pilot, lambda: screen_of(pilot).benches.items is not None, "benches were read")


async def mark(pilot: Pilot[None], bench_id: str) -> None:
    screen = screen_of(pilot)
    screen.mark(bench_id)
    screen._draw()
    await pilot.pause()


async def beside_ollama(pilot: Pilot[None]) -> None:
    await open_bench(pilot)
    await mark(pilot, "m2")


@both_sizes
def test_bench(stage: Stage, snap_compare: Compare, size: Any) -> None:
    supervise(stage)
    assert snap_compare(stage.console(), terminal_size=size, run_before=after(beside_ollama))


@at_80
def test_bench_that_runs(stage: Stage, snap_compare: Compare, size: Any) -> None:
    supervise(stage)
    assert snap_compare(stage.console(), terminal_size=size, run_before=after(open_bench))


@at_80
def test_bench_ascii(stage: Stage, snap_compare: Compare, size: Any) -> None:
    supervise(stage)
    app = stage.console(ascii_only=True)
    assert snap_compare(app, terminal_size=size, run_before=after(beside_ollama))


@at_80
def test_differences(stage: Stage, snap_compare: Compare, size: Any) -> None:
    supervise(stage)
    steps = after(beside_ollama, press("v"))
    assert snap_compare(stage.console(), terminal_size=size, run_before=steps)


@at_80
def test_no_bench_yet(stage: Stage, snap_compare: Compare, size: Any) -> None:
    supervise(stage, ())
    assert snap_compare(stage.console(), terminal_size=size, run_before=after(open_bench))


@at_80
def test_new_bench(stage: Stage, snap_compare: Compare, size: Any) -> None:
    supervise(stage)
    steps = after(open_bench, press("b", *"1,4"))
    assert snap_compare(stage.console(), terminal_size=size, run_before=steps)


def test_every_key_of_it_can_be_carried_out_and_means_one_thing() -> None:
    for action in (one for one in ACTIONS if one.screen == "bench"):
        assert callable(getattr(BenchScreen, action.method))
    keys = [key for a in ACTIONS if a.screen in (None, "bench") for key in a.keys]
    assert len(keys) == len(set(keys))


async def test_pages_follow_the_plot(stage: Stage) -> None:
    supervise(stage)
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await beside_ollama(pilot)
        assert "Tokens per second over E2E p50" in painted(app)
        for words in (
            "0.30 worse",
            "the server itself",
            "0.33 like the reference",
            "the client was the limit at main 32",
            "Tokens per second over",
        ):
            await pilot.press("v")
            await until(pilot, lambda words=words: words in painted(app), words)  # type: ignore[misc]


async def test_the_axis_turns(stage: Stage) -> None:
    supervise(stage)
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await beside_ollama(pilot)
        seen = []
        for _ in range(3):
            await pilot.press("i")
            await pilot.pause()
            seen.append(app.screen.query_one(BenchPlot).axis)
    assert seen == ["ttft_ms", "itl_ms", "e2e_ms"]


async def test_one_is_held_and_another_told_by_it(stage: Stage) -> None:
    supervise(stage)
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_bench(pilot)
        await pilot.press("end", "x")
        await until(pilot, lambda: "m1 is held to compare with" in painted(app), "it is held")
        await pilot.press("up")
        await until(pilot, lambda: "m2 against m1" in painted(app), "it was compared")
        drawn = painted(app)
        assert "1.25 better" in drawn
        assert "1.00 noise" in drawn
        assert "the versions differ: 0.31.0 / 0.32.0" in drawn
        await pilot.press("down", "x")
        await until(pilot, lambda: "held to compare" not in painted(app), "it was let go")


async def test_all_of_it_on_one_page(stage: Stage) -> None:
    supervise(stage)
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await beside_ollama(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, BenchPageScreen), "it came")
        await until(pilot, lambda: "RTX 4080" in painted(app), "it was drawn")
        await pilot.press("y")
        await until(pilot, lambda: "TPOT" in copied(), "it was copied")
        assert "ollama / main" in copied()
        await pilot.press(*["pagedown"] * 12)
        last = "warning: the client was the limit"
        await until(pilot, lambda: last in painted(app), "the end came")
        await pilot.press("right", "left", "escape")
        await until(pilot, lambda: isinstance(app.screen, BenchScreen), "it closed")


@pytest.mark.parametrize("ending", ["json", "csv", "md", "svg"])
async def test_it_is_written_as_what_the_ending_says(stage: Stage, ending: str) -> None:
    supervise(stage)
    app = stage.console()
    target = Path(f"out.{ending}")
    async with app.run_test(size=(80, 24)) as pilot:
        await beside_ollama(pilot)
        await pilot.press("e")
        await until(pilot, lambda: bool(app.screen.query("#bench-file")), "it asked")
        field = app.screen.query_one("#bench-file", Input)
        assert field.value == "m2.md"
        field.value = "out.doc"
        await pilot.press("enter")
        await until(pilot, lambda: "end it in .json" in "".join(toasts(app)), "it was said")
        field.value = str(target)
        await pilot.press("enter")
        await until(pilot, lambda: f"Written: {target}" in "".join(toasts(app)), "it was written")
    text = written(target)
    begins = {"csv": "target,", "md": "# Bench m2", "svg": "<svg", "json": "{"}
    assert text.startswith(begins[ending])
    if ending == "json":
        assert len(json.loads(text)["runs"]) == 18


async def test_a_file_that_cannot_be_written_is_told(stage: Stage) -> None:
    supervise(stage)
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await beside_ollama(pilot)
        await pilot.press("e")
        await until(pilot, lambda: bool(app.screen.query("#bench-file")), "it asked")
        app.screen.query_one("#bench-file", Input).value = "nowhere/out.csv"
        await pilot.press("enter")
        await until(pilot, lambda: "cannot write" in "".join(toasts(app)), "it was told")


async def test_cancel_says_what_happens_and_only_y_does_it(stage: Stage) -> None:
    supervise(stage)
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_bench(pilot)
        await pilot.press("C")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen), "it asked")
        await until(pilot, lambda: "so far are kept" in painted(app), "it was drawn")
        drawn = painted(app)
        assert "7 measurements so far are kept" in drawn
        assert "vconsole bench cancel m4" in drawn
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, BenchScreen), "it was not done")
        assert stage.peer.asked == []
        await pilot.press("C", "y")
        assert await asked(stage, pilot, "cancel") == ("b9", None)


async def test_a_cancelled_one_goes_on(stage: Stage) -> None:
    supervise(stage)
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_bench(pilot)
        await mark(pilot, "m3")
        await pilot.press("g")
        assert await asked(stage, pilot, "resume") == ("b8", None)


async def test_what_makes_no_sense_is_not_sent_and_said(stage: Stage) -> None:
    supervise(stage)
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_bench(pilot)
        await pilot.press("g", "D")
        await mark(pilot, "m2")
        await pilot.press("g", "C")
        await until(pilot, lambda: "m2 is done." in "\n".join(toasts(app)), "it was said")
        said = "\n".join(toasts(app))
    assert "m4 is running; u measures it anew" in said
    assert "m4 is running; C ends it" in said
    assert "m2 is done; u measures it anew" in said
    assert stage.peer.asked == []


async def test_a_bench_is_forgotten_after_a_question(stage: Stage) -> None:
    supervise(stage)
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await beside_ollama(pilot)
        await pilot.press("D")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen), "it asked")
        await until(pilot, lambda: "vconsole bench rm m2" in painted(app), "it was drawn")
        await pilot.press("y")
        await until(pilot, lambda: not kept.path_of("m2").exists(), "it is gone")
        rows = screen_of(pilot).benches
        await until(pilot, lambda: len(rows.items or ()) == 3, "the list is shorter")


async def test_the_command_that_measures_the_same_is_copied(stage: Stage) -> None:
    supervise(stage)
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await beside_ollama(pilot)
        await pilot.press("y")
        await until(pilot, lambda: bool(copied()), "it was copied")
    assert copied() == (
        "vconsole bench --against http://127.0.0.1:11434=ollama --against-model mistral:7b"
        " --answers 1 --note 'after the move'\n"
    )


async def test_read_only_changes_nothing(stage: Stage) -> None:
    supervise(stage)
    app = stage.console(readonly=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await open_bench(pilot)
        await pilot.press("b", "C", "u", "D", "g")
        await until(pilot, lambda: "".join(toasts(app)).count("read-only") == 5, "it was said")
        assert isinstance(app.screen, BenchScreen)
    assert stage.peer.asked == []
    assert kept.path_of("m2").exists()


async def test_enter_on_a_bench_of_the_overview_leads_here(stage: Stage) -> None:
    job = Job("b8", "bench", "running", 370, 1056, 0, eta_s=190.0, title="bench m3")
    supervise(stage)
    stage.peer.status = replace(sketches.ready(GOOD), jobs=(job,))
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await until_live(pilot)
        next(p for p in app.screen.query(EventsPanel) if p.size.height).focus()
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, BenchScreen), "it came")
        rows = screen_of(pilot).benches
        await until(pilot, lambda: rows.marked is not None and rows.marked.id == "m3", "marked")


async def test_what_is_kept_is_shown_without_a_supervisor(stage: Stage) -> None:
    benches.keep_all()
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("5")
        await until(pilot, lambda: isinstance(app.screen, BenchScreen), "the screen came")
        # Nobody measures the one that ran.
        await until(pilot, lambda: "broken off" in painted(app), "they were read")
        assert "main / ollama" in painted(app)


async def typed(pilot: Pilot[None], **fields: str) -> None:
    """Open the form and fill in these fields."""
    await pilot.press("b")
    await until(pilot, lambda: isinstance(pilot.app.screen, JobFormScreen), "the form came")
    for name, text in fields.items():
        pilot.app.screen.query_one(f"#job-{name.replace('_', '-')}", Input).value = text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"concurrency": "1,many"}, "at once: 1,many cannot be used"),
        ({"rate": "0"}, "or arriving: 0 cannot be used"),
        ({"requests": "-1"}, "requests: -1 cannot be used"),
        ({"prompts": "nowhere.jsonl"}, "nowhere.jsonl is not there"),
        ({"warm": "perhaps"}, "warm too: perhaps cannot be used"),
        ({"concurrency": "1", "rate": "2"}, "exclude each other"),
        ({"profiles": "one"}, "needs two"),
        ({"against": "ollama"}, "no address of a server"),
        ({"against": "http://127.0.0.1:1=main"}, "the same name"),
    ],
)
async def test_a_form_that_makes_no_sense_says_why(
    stage: Stage, fields: dict[str, str], words: str
) -> None:
    supervise(stage)
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_bench(pilot)
        await typed(pilot, **fields)
        await pilot.press("enter")
        await until(pilot, lambda: words in "\n".join(toasts(app)), "it was said")
        assert isinstance(app.screen, JobFormScreen)
    assert stage.peer.asked == []


async def test_a_new_bench_is_shown_and_then_queued(stage: Stage) -> None:
    supervise(stage)
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_bench(pilot)
        await typed(
            pilot,
            concurrency="1,4",
            requests="8",
            input="history",
            against="http://127.0.0.1:11434=ollama",
            warm="yes",
            answers="2",
        )
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ReviewScreen), "it was shown")
        await until(pilot, lambda: "main against ollama" in painted(app), "it was drawn")
        drawn = " ".join(painted(app).split())
        assert "24 measurements: 3 of each load (1, 4)" in drawn
        assert stage.peer.asked == []
        await pilot.press("enter")
        _, body = await asked(stage, pilot, "jobs")
    spec = body["bench"]
    assert (spec["concurrency"], spec["requests"], spec["warm"]) == ([1, 4], 8, True)
    assert spec["source"]["history"] is True
    assert spec["answers"] == 2
    assert [target["name"] for target in spec["targets"]] == ["main", "ollama"]
    assert spec["targets"][1]["url"] == "http://127.0.0.1:11434"


async def test_the_form_can_be_left(stage: Stage) -> None:
    supervise(stage)
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_bench(pilot)
        await typed(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ReviewScreen), "it was shown")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, JobFormScreen), "back at the form")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, BenchScreen), "it was left")
    assert stage.peer.asked == []


async def test_again_has_what_the_marked_one_was_asked_for(stage: Stage) -> None:
    supervise(stage)
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await beside_ollama(pilot)
        await pilot.press("u")
        await until(pilot, lambda: isinstance(app.screen, JobFormScreen), "the form came")
        values = {field.id: field.value for field in app.screen.query(Input) if field.value}
    assert values == {
        "job-concurrency": "1,8,32",
        "job-against": "http://127.0.0.1:11434=ollama",
        "job-against-model": "mistral:7b",
        "job-answers": "1",
        "job-note": "after the move",
    }


async def test_a_refusal_is_told_with_its_remedy(stage: Stage) -> None:
    supervise(stage)
    stage.peer.refusal = ErrorBody("refused", "no server runs", "start one", 3)
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_bench(pilot)
        await pilot.press("C", "y")
        await until(pilot, lambda: "start one" in "".join(toasts(app)), "it was told")
