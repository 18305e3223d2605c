"""W: which model, then the question with what is in flight and the command, then the steps."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from tests.console import figures_of_the_sketches as sketches
from tests.console.conftest import Stage, painted, until, until_live
from tests.console.test_keys import GOOD
from vconsole.supervisor.model import Job, Operation, OperationState, SleeperStatus, Step
from vconsole.tui.background import verbs
from vconsole.tui.screens.model_name import ModelScreen
from vconsole.tui.screens.servers import ServersScreen
from vconsole.tui.screens.swap import SwapScreen


async def test_a_swap_asks_for_the_model_then_whether_and_says_the_command(stage: Stage) -> None:
    peer = stage.supervise(sketches.ready(GOOD))
    app = stage.console()
    async with app.run_test(size=(100, 30)) as pilot:
        await until_live(pilot)
        await pilot.press("W")
        await until(pilot, lambda: isinstance(app.screen, ModelScreen), "the prompt")
        await pilot.press(*"big", "enter")
        await until(pilot, lambda: isinstance(app.screen, SwapScreen), "the question")
        await until(pilot, lambda: "vconsole swap big" in painted(app), "the command")
        assert "28 requests are in flight" in painted(app)
        await pilot.press("y")
        await until(pilot, lambda: any(verb == "swap" for verb, _ in peer.asked), "the swap")
    asked = dict(peer.asked)["swap"]
    assert (asked["model"], asked["jobs"]) == ("big", "refuse")


async def test_a_running_job_is_named_and_paused(stage: Stage) -> None:
    job = Job("batch-1", "batch", "running", 3, 10, 0, server="main")
    other = Job("batch-2", "batch", "running", 3, 10, 0, server="second")
    peer = stage.supervise(replace(sketches.ready(GOOD), jobs=(job, other)))
    app = stage.console()
    async with app.run_test(size=(100, 30)) as pilot:
        await until_live(pilot)
        await pilot.press("W")
        await until(pilot, lambda: isinstance(app.screen, ModelScreen), "the prompt")
        await pilot.press(*"big", "enter")
        await until(pilot, lambda: "batch-1 is paused" in painted(app), "the job")
        assert verbs.running_jobs(app.session.view()) == ["batch-1"]
        await pilot.press("y")
        await until(pilot, lambda: bool(peer.asked), "the swap")
    assert dict(peer.asked)["swap"]["jobs"] == "pause"


async def test_j_chooses_what_becomes_of_a_running_job(stage: Stage) -> None:
    job = Job("batch-1", "batch", "running", 3, 10, 0, server="main")
    peer = stage.supervise(replace(sketches.ready(GOOD), jobs=(job,)))
    app = stage.console()
    async with app.run_test(size=(100, 30)) as pilot:
        await until_live(pilot)
        await pilot.press("W")
        await until(pilot, lambda: isinstance(app.screen, ModelScreen), "the prompt")
        await pilot.press(*"big", "enter")
        await until(pilot, lambda: "--jobs pause" in painted(app), "the first rule")
        await pilot.press("j")
        await until(pilot, lambda: "waits until batch-1 is done" in painted(app), "the wait")
        await pilot.press("j")
        await until(pilot, lambda: "refused while batch-1 is at work" in painted(app), "refusal")
        await pilot.press("j", "j")
        await until(pilot, lambda: "--jobs wait" in painted(app), "the wait again")
        await pilot.press("y")
        await until(pilot, lambda: bool(peer.asked), "the swap")
    asked = dict(peer.asked)["swap"]
    assert (asked["jobs"], asked["when_idle"]) == ("wait", True)


async def test_a_sleeping_model_is_shown_and_said_to_be_woken(stage: Stage) -> None:
    page = sketches.ready(GOOD)
    sleeper = SleeperStatus("org/big", "big", 4711, datetime.now(UTC), memory_bytes=9 << 30)
    server = replace(page.server, sleepers=(sleeper,))
    stage.supervise(replace(page, server=server, servers=(server,)))
    app = stage.console()
    async with app.run_test(size=(100, 30)) as pilot:
        await until_live(pilot)
        await pilot.press("W")
        await until(pilot, lambda: isinstance(app.screen, ModelScreen), "the prompt")
        await pilot.press(*"big", "enter")
        await until(pilot, lambda: "it is woken, not loaded" in painted(app), "the wake")
        await pilot.press("escape", "a")
        await until(pilot, lambda: isinstance(app.screen, ServersScreen), "the servers")
        await until(pilot, lambda: "ASLEEP" in painted(app), "the sleeper")
        assert "pid 4711  9.0 GiB of memory" in painted(app)


async def test_the_steps_are_shown_as_they_go(stage: Stage) -> None:
    steps = (Step("plan", 0.1, True), Step("drain and stop", 1.5, True), Step("start"))
    swap = Operation("op", "swap", "main", OperationState.RUNNING, datetime.now(UTC), steps=steps)
    stage.supervise(replace(sketches.ready(GOOD), operations=(swap,)))
    app = stage.console()
    async with app.run_test(size=(140, 45)) as pilot:
        await until_live(pilot)
        await until(pilot, lambda: "drain and stop" in painted(app), "the steps")
        assert "2 of 3" in painted(app)


async def test_a_small_terminal_says_that_a_start_is_part_of_a_swap(stage: Stage) -> None:
    steps = (Step("drain and stop", 1.5, True), Step("start"))
    began = datetime.now(UTC)
    swap = Operation("op", "swap", "main", OperationState.RUNNING, began, steps=steps)
    page = sketches.starting(GOOD)
    stage.supervise(replace(page, operations=(replace(swap, old="lark", new="owl"),)))
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await until_live(pilot)
        said = "lark is being replaced by owl: start"
        await until(pilot, lambda: said in painted(app), "the swap")
