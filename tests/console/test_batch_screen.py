"""The batch screen: its list, its figures and results, every key, and a new batch from a form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.console import batches_of_the_sketches as batches
from tests.console import figures_of_the_sketches as sketches
from tests.console.conftest import Stage, after, asked, copied, painted, toasts, until, until_live
from tests.console.test_snapshots import Compare, at_80, both_sizes, press
from tests.support.stub import stub
from vconsole.supervisor.jobs.model import JobStatus
from vconsole.supervisor.model import ErrorBody, Job
from vconsole.tui.background.batching import cached_bytes
from vconsole.tui.screens.batch import BatchScreen
from vconsole.tui.screens.batch_check import BatchCheckScreen
from vconsole.tui.screens.begun import BegunScreen
from vconsole.tui.screens.confirm import ConfirmScreen
from vconsole.tui.screens.job_form import JobFormScreen
from vconsole.tui.screens.results import ResultsScreen
from vconsole.tui.widgets.events_panel import EventsPanel
from vconsole.tui.widgets.preview_box import PreviewBox

GOOD = Path("good.log")


def screen_of(pilot: Pilot[None]) -> BatchScreen:
    return next(s for s in pilot.app.screen_stack if isinstance(s, BatchScreen))


def write_prompts(text: str) -> None:
    Path("data/prompts.txt").write_text(text, errors="surrogateescape")


def cached_answers() -> Path:
    """A cache of answers, made."""
    kept = Path("cache/vconsole/answers.sqlite").absolute()
    kept.parent.mkdir(parents=True)
    kept.write_bytes(bytes(3_000_000))
    return kept


def supervise(stage: Stage, jobs: Sequence[JobStatus] | None = None) -> None:
    peer = stage.supervise(sketches.ready(GOOD))
    peer.jobs = tuple(batches.jobs() if jobs is None else jobs)
    peer.job_cost = batches.COST
    batches.write_results()


async def open_batch(pilot: Pilot[None]) -> None:
    await until_live(pilot)
    await pilot.press("4")
    await until(pilot, lambda: isinstance(pilot.app.screen, BatchScreen), "the screen came")
    await until(pilot, lambda: screen_of(pilot).jobs.items is not None, "the jobs were read")


async def mark(pilot: Pilot[None], job_id: str) -> None:
    """Mark a job and wait for its results."""
    screen = screen_of(pilot)
    screen.mark(job_id)
    await until(pilot, lambda: screen._look.of == job_id, "its results were read")


async def running_marked(pilot: Pilot[None]) -> None:
    await open_batch(pilot)
    await mark(pilot, "b3")


@both_sizes
def test_batch(stage: Stage, snap_compare: Compare, size: Any) -> None:
    supervise(stage)
    assert snap_compare(stage.console(), terminal_size=size, run_before=after(running_marked))


@at_80
def test_batch_that_waits(stage: Stage, snap_compare: Compare, size: Any) -> None:
    supervise(stage)
    assert snap_compare(stage.console(), terminal_size=size, run_before=after(open_batch))


@at_80
def test_batch_ascii(stage: Stage, snap_compare: Compare, size: Any) -> None:
    supervise(stage)
    app = stage.console(ascii_only=True)
    assert snap_compare(app, terminal_size=size, run_before=after(running_marked))


@both_sizes
def test_no_batch_yet(stage: Stage, snap_compare: Compare, size: Any) -> None:
    supervise(stage, ())
    assert snap_compare(stage.console(), terminal_size=size, run_before=after(open_batch))


@at_80
def test_result_in_full(stage: Stage, snap_compare: Compare, size: Any) -> None:
    supervise(stage)
    steps = after(running_marked, press("enter", "right"))
    assert snap_compare(stage.console(), terminal_size=size, run_before=steps)


@both_sizes
def test_new_batch(stage: Stage, snap_compare: Compare, size: Any) -> None:
    supervise(stage)
    steps = after(running_marked, press("b", *"data/n", "tab"))
    assert snap_compare(stage.console(), terminal_size=size, run_before=steps)


async def test_pause_go_on_and_failed_again_are_sent(stage: Stage) -> None:
    supervise(stage)
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await running_marked(pilot)
        await pilot.press("p")
        assert await asked(stage, pilot, "pause") == ("b3", None)
        await pilot.press("g")
        await until(pilot, lambda: "running already" in "".join(toasts(app)), "it said so")
        await mark(pilot, "b2")
        await pilot.press("g")
        assert await asked(stage, pilot, "resume") == ("b2", None)
        await pilot.press("f")
        assert await asked(stage, pilot, "retry") == ("b2", None)


async def test_what_makes_no_sense_is_not_sent_and_said(stage: Stage) -> None:
    supervise(stage)
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await running_marked(pilot)
        await pilot.press("f")
        await mark(pilot, "b1")
        await pilot.press("f", "p", "C", "plus", "m")
        said = "\n".join(toasts(app))
    assert "what failed can run again when it is over" in said
    assert "Nothing failed in b1" in said
    assert said.count("b1 is done") == 4
    assert stage.peer.asked == []


async def test_cancel_says_what_happens_and_only_y_does_it(stage: Stage) -> None:
    supervise(stage)
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await running_marked(pilot)
        await pilot.press("C")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen), "it asked")
        drawn = painted(app)
        assert "58,790 requests are not asked" in drawn
        assert "41,210 results so far stay" in drawn
        assert "vconsole batch cancel b3" in drawn
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, BatchScreen), "it was not done")
        assert stage.peer.asked == []
        await pilot.press("C", "y")
        assert await asked(stage, pilot, "cancel") == ("b3", None)


@pytest.mark.parametrize(
    ("key", "change"),
    [
        ("plus", {"priority": 1}),
        ("minus", {"priority": -1}),
        ("greater_than_sign", {"weight": 6.0}),
        ("less_than_sign", {"weight": 1.5}),
    ],
)
async def test_priority_and_weight(stage: Stage, key: str, change: dict[str, Any]) -> None:
    supervise(stage)
    async with stage.console().run_test(size=(80, 24)) as pilot:
        await running_marked(pilot)
        await pilot.press(key)
        job_id, body = await asked(stage, pilot, "change")
    assert job_id == "b3"
    assert {name: value for name, value in body.items() if value is not None} == change


@pytest.mark.parametrize(("typed", "sent"), [("64", 64), ("auto", 0)])
async def test_requests_at_once(stage: Stage, typed: str, sent: int) -> None:
    supervise(stage)
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await running_marked(pilot)
        await pilot.press("m")
        await until(pilot, lambda: bool(app.screen.query("#at-once")), "it asked")
        field = app.screen.query_one("#at-once", Input)
        assert field.value == "auto"
        field.value = "none"
        await pilot.press("enter")
        assert "1 to 4096, or auto" in "".join(toasts(app))
        field.value = typed
        await pilot.press("enter")
        assert (await asked(stage, pilot, "change"))[1]["concurrency"] == sent


async def test_failures_and_answers_in_turn_and_the_path_of_what_is_shown(stage: Stage) -> None:
    supervise(stage)
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await running_marked(pilot)
        await pilot.press("y")
        assert copied() == "data/nightly.answers.jsonl\n"
        await pilot.press("v")
        await until(pilot, lambda: "Latest failures" in painted(app), "failures came")
        assert "9,120 tokens" in painted(app)
        await pilot.press("y")
        assert copied() == "data/nightly.answers.errors.jsonl\n"
        await pilot.press("v")
        await until(pilot, lambda: "They thank the team" in painted(app), "answers came back")


async def test_results_in_full_one_after_another(stage: Stage) -> None:
    supervise(stage)
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await running_marked(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ResultsScreen), "it came")
        assert "the answer is empty" in painted(app)
        await pilot.press("right")
        assert "No action is needed." in painted(app)
        await pilot.press("y")
        assert copied().startswith("They thank the team")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, BatchScreen), "it closed")


async def test_the_cache_is_cleared_after_a_question(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = cached_answers()
    monkeypatch.setenv("XDG_CACHE_HOME", str(kept.parent.parent))
    supervise(stage)
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await running_marked(pilot)
        await pilot.press("F")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen), "it asked")
        assert "3.0 MB of answers" in painted(app)
        assert cached_bytes() == 3_000_000
        await pilot.press("y")
        await until(pilot, lambda: cached_bytes() == 0, "it is gone")


async def test_a_refusal_is_told_with_its_remedy(stage: Stage) -> None:
    supervise(stage)
    stage.peer.refusal = ErrorBody("refused", "b3 cannot be paused", "wait a moment", 5)
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await running_marked(pilot)
        await pilot.press("p")
        await until(pilot, lambda: "wait a moment" in "".join(toasts(app)), "it was told")


async def test_read_only_changes_no_batch(stage: Stage) -> None:
    supervise(stage)
    app = stage.console(readonly=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await running_marked(pilot)
        await pilot.press("p", "C", "plus", "b")
        assert isinstance(app.screen, BatchScreen)
        assert "read-only" in "".join(toasts(app))
    assert stage.peer.asked == []


async def test_enter_on_the_jobs_of_the_overview_leads_here(stage: Stage) -> None:
    job = Job("b3", "batch", "running", 41_210, 100_000, 30, eta_s=5160.0, title="nightly.jsonl")
    supervise(stage)
    stage.peer.status = replace(sketches.ready(GOOD), jobs=(job,))
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await until_live(pilot)
        next(p for p in app.screen.query(EventsPanel) if p.size.height).focus()
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, BatchScreen), "it came")
        await until(pilot, lambda: screen_of(pilot)._look.of == "b3", "that job is marked")


async def typed(pilot: Pilot[None], **fields: str) -> None:
    """Open the form and fill in these fields."""
    await pilot.press("b")
    await until(pilot, lambda: isinstance(pilot.app.screen, JobFormScreen), "the form came")
    for name, text in fields.items():
        pilot.app.screen.query_one(f"#job-{name.replace('_', '-')}", Input).value = text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "a batch needs an input file"),
        ({"input": "nowhere.jsonl"}, "nowhere.jsonl is not there"),
        ({"input": "data"}, "is a folder"),
        ({"max_tokens": "many"}, "most tokens: many cannot be used"),
        ({"template": "Say {"}, "template: the template has a brace without a column"),
        ({"extra": "top_p"}, "extra"),
        ({"endpoint": "speech"}, "ask as: speech cannot be used"),
        ({"not_before": "tomorrow"}, "not before: tomorrow cannot be used"),
        ({"cache": "perhaps"}, "known answers: perhaps cannot be used"),
    ],
)
async def test_a_form_that_makes_no_sense_says_which_field(
    stage: Stage, fields: dict[str, str], words: str
) -> None:
    supervise(stage)
    app = stage.console()
    given = {"input": "data/nightly.answers.jsonl", **fields} if fields else {}
    async with app.run_test(size=(80, 24)) as pilot:
        await open_batch(pilot)
        await typed(pilot, **given)
        await pilot.press("enter")
        assert words in "\n".join(toasts(app))
        assert isinstance(app.screen, JobFormScreen)
    assert stage.peer.asked == []


async def test_tab_completes_a_path_and_names_the_others(stage: Stage) -> None:
    supervise(stage)
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_batch(pilot)
        await pilot.press("b", *"da", "tab")
        field = app.screen.query_one("#job-input", Input)
        assert field.value == "data/"
        await pilot.press("tab")
        assert field.value == "data/nightly.answers."
        assert "nightly.answers.errors.jsonl" in painted(app)
        await pilot.press("j", "tab")
        assert field.value == "data/nightly.answers.jsonl"
        await pilot.press("tab")
        assert app.focused is app.screen.query_one("#job-output")


PROMPTS = "one\n\ntwo\n" + "".join(f"number {n}\n" for n in range(30))


async def previewed(pilot: Pilot[None]) -> None:
    await open_batch(pilot)
    await typed(pilot, input="data/prompts.txt", max_tokens="16", extra='{"seed": 1}')
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, BatchCheckScreen), "the check came")
    screen = pilot.app.screen
    assert isinstance(screen, BatchCheckScreen)
    await until(pilot, lambda: screen.query_one(PreviewBox).preview is not None, "answers came")


def serve(stage: Stage, url: str) -> None:
    """The stub is what the supervisor's server stands for."""
    ready = sketches.ready(GOOD)
    stage.supervise(replace(ready, server=replace(ready.server, url=url))).jobs = batches.jobs()
    batches.write_results()
    write_prompts(PROMPTS + "\udcff\n")


async def test_a_new_batch_is_checked_previewed_and_then_queued(stage: Stage) -> None:
    with stub() as url:
        serve(stage, url)
        app = stage.console()
        async with app.run_test(size=(80, 24)) as pilot:
            await previewed(pilot)
            drawn = painted(app)
            assert "32 good requests of 33 lines" in drawn
            assert "line 34" in drawn
            assert "not UTF-8" in drawn
            assert "prompt and" in drawn
            assert "it fits" in drawn
            assert "[prices]" in drawn
            assert "line-1 " in drawn
            assert stage.peer.asked == []
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(app.screen, JobFormScreen), "the form again")
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, BatchCheckScreen), "checked again")
            await until(pilot, lambda: "Run it" in painted(app), "it may run")
            await pilot.press("enter")
            _, body = await asked(stage, pilot, "jobs")
    spec = body["spec"]
    assert spec["input"].endswith("/data/prompts.txt")
    assert spec["output"].endswith("/data/prompts.answers.jsonl")
    assert (spec["max_tokens"], spec["extra"]) == (16, '{"seed": 1}')
    assert body["server"] == "main"


async def test_without_a_server_a_preview_says_so_and_nothing_is_queued(stage: Stage) -> None:
    supervise(stage)
    stage.peer.status = sketches.stopped(GOOD)
    write_prompts("one\n")
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_batch(pilot)
        await typed(pilot, input="data/prompts.txt")
        await pilot.press("enter")
        await until(pilot, lambda: "needs a server that answers" in painted(app), "it said so")
        await pilot.press("enter")
        assert isinstance(app.screen, BatchCheckScreen)
    assert stage.peer.asked == []


CHANGED = ErrorBody(
    "changed", "out.jsonl was begun differently: max_tokens was 5 and is 6", None, 5
)


async def queued_anew(stage: Stage, pilot: Pilot[None]) -> None:
    """Queue a batch whose output was begun differently, up to the question about that."""
    await previewed(pilot)
    stage.peer.refusal = CHANGED
    box = pilot.app.screen.query_one(PreviewBox)
    await until(pilot, lambda: box.may_run, "it may run")
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, BegunScreen), "it asked")


@pytest.mark.parametrize(("key", "word"), [("g", "accept_changes"), ("r", "restart")])
async def test_what_was_begun_differently_is_asked_about(stage: Stage, key: str, word: str) -> None:
    with stub() as url:
        serve(stage, url)
        app = stage.console()
        async with app.run_test(size=(80, 24)) as pilot:
            await queued_anew(stage, pilot)
            assert "max_tokens was 5 and is 6" in painted(app)
            stage.peer.refusal = None
            await pilot.press(key)
            await until(pilot, lambda: len(stage.peer.asked) == 2, "it was sent again")
    first, again = (body for _, body in stage.peer.asked)
    assert {name for name in again if again[name] != first.get(name)} == {word}
    assert again[word] is True


async def test_what_was_begun_differently_is_left_alone_by_escape(stage: Stage) -> None:
    with stub() as url:
        serve(stage, url)
        app = stage.console()
        async with app.run_test(size=(80, 24)) as pilot:
            await queued_anew(stage, pilot)
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(app.screen, BatchScreen), "it is left")
    assert len(stage.peer.asked) == 1


async def test_where_no_pager_can_be_opened_it_says_so(stage: Stage) -> None:
    supervise(stage)
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_batch(pilot)
        await mark(pilot, "b1")
        await pilot.press("e")
        assert "is not there yet" in "\n".join(toasts(app))
        await mark(pilot, "b3")
        await pilot.press("e")
        assert "cannot be handed over" in "\n".join(toasts(app))
