"""The models screen: list and plan, start, pull, removal, filter, card, and empty states."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.console import figures_of_the_sketches as sketches
from tests.console.conftest import Stage, after, painted, toasts, until, until_live
from tests.console.models_of_the_sketches import LISTING
from tests.console.test_snapshots import Compare, at_80, both_sizes, press
from vconsole.supervisor.model import ErrorBody, Job, Operation, OperationState, Status
from vconsole.tui.app import ConsoleApp
from vconsole.tui.screens.confirm import ConfirmScreen
from vconsole.tui.screens.models import ModelsScreen
from vconsole.tui.screens.review import ReviewScreen
from vconsole.tui.screens.swap import SwapScreen

GOOD = Path("good.log")


def screen_of(pilot: Pilot[None]) -> ModelsScreen:
    found = next(s for s in pilot.app.screen_stack if isinstance(s, ModelsScreen))
    assert isinstance(found, ModelsScreen)
    return found


async def open_models(pilot: Pilot[None]) -> None:
    """Open it, wait for what is read of this machine, and put the sketch in its place."""
    await until_live(pilot)
    await pilot.press("2")
    await until(pilot, lambda: isinstance(pilot.app.screen, ModelsScreen), "the screen came")
    await until(pilot, lambda: screen_of(pilot).models.listing is not None, "it was read")
    screen_of(pilot).show_listing(LISTING)
    await pilot.pause()


def stopped() -> Status:
    return replace(sketches.stopped(GOOD), gpus=(sketches.CARD,))


def pulling(**changes: Any) -> Status:
    operation = Operation(
        "p1",
        "pull",
        "",
        OperationState.RUNNING,
        sketches.NOW - timedelta(minutes=2),
        subject="openai/gpt-oss-20b",
        done_bytes=int(5.2e9),
        total_bytes=int(13.8e9),
        bytes_per_s=48e6,
    )
    return replace(stopped(), operations=(replace(operation, **changes),))


def asked(stage: Stage) -> list[tuple[str, Any]]:
    return list(stage.peer.asked)


@both_sizes
def test_models(stage: Stage, snap_compare: Compare, size: Any) -> None:
    stage.supervise(stopped())
    steps = after(open_models, press("down"))
    assert snap_compare(stage.console(), terminal_size=size, run_before=steps)


@at_80
def test_models_too_big(stage: Stage, snap_compare: Compare, size: Any) -> None:
    stage.supervise(stopped())
    steps = after(open_models, press(*["down"] * 4))
    assert snap_compare(stage.console(), terminal_size=size, run_before=steps)


@both_sizes
def test_models_pulling(stage: Stage, snap_compare: Compare, size: Any) -> None:
    stage.supervise(pulling())
    steps = after(open_models, press(*["down"] * 3))
    assert snap_compare(stage.console(), terminal_size=size, run_before=steps)


@at_80
def test_models_ascii(stage: Stage, snap_compare: Compare, size: Any) -> None:
    stage.supervise(stopped())
    app = stage.console(ascii_only=True)
    assert snap_compare(app, terminal_size=size, run_before=after(open_models, press("down")))


@pytest.fixture
def forged_engine(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment that looks as if it held vLLM, at a path that no picture shows elsewhere."""
    root = Path("engine")
    info = root / "lib" / "python3.11" / "site-packages" / "vllm-0.32.0.dist-info"
    (root / "bin").mkdir(parents=True)
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\n")
    (root / "pyvenv.cfg").write_text("include-system-site-packages = false\n")
    for name in ("python", "vllm"):
        (root / "bin" / name).write_text("#!/bin/sh\n")
        (root / "bin" / name).chmod(0o755)
    monkeypatch.setenv("VCONSOLE_ENGINE", "engine/bin/python")
    return root


async def test_enter_shows_what_will_run_and_enter_again_starts_it(
    stage: Stage, forged_engine: Path
) -> None:
    stage.supervise(stopped())
    app = stage.console()
    async with app.run_test(size=(140, 45)) as pilot:
        await open_models(pilot)
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(app.screen, ReviewScreen), "it was shown")
        assert "--gpu-memory-utilization" in painted(app)
        assert asked(stage) == []
        await pilot.press("enter")
        await until(pilot, lambda: bool(asked(stage)), "the start arrived")
        verb, body = asked(stage)[0]
        assert (verb, body["model"]) == ("start", "RedHatAI/Mistral-7B-Instruct-v0.3-FP8")
        assert body["flags"][:2] == ["--gpu-memory-utilization", "0.90"]


async def test_a_running_server_is_swapped_after_the_same_question_as_anywhere(
    stage: Stage,
) -> None:
    job = Job("batch-1", "batch", "running", 3, 10, 0, server="main")
    stage.supervise(replace(sketches.ready(GOOD), jobs=(job,)))
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_models(pilot)
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(app.screen, SwapScreen), "the question")
        await until(pilot, lambda: "batch-1 is paused" in painted(app), "the job")
        assert "The plan says" in painted(app)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ModelsScreen), "enter gives it up")
        assert asked(stage) == []
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, SwapScreen), "the question again")
        await pilot.press("y")
        await until(pilot, lambda: bool(asked(stage)), "the swap")
        verb, body = asked(stage)[0]
        assert (verb, body["jobs"]) == ("swap", "pause")
        assert body["model"] == "RedHatAI/Mistral-7B-Instruct-v0.3-FP8"


async def test_p_pulls_and_x_cancels(stage: Stage) -> None:
    stage.supervise(stopped())
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_models(pilot)
        await pilot.press("p")
        assert "on this machine already" in toasts(app)[-1]
        await pilot.press("down", "down", "down", "p")
        await until(pilot, lambda: bool(asked(stage)), "the pull arrived")
        verb, body = asked(stage)[0]
        assert (verb, body["repository"]) == ("pull", "openai/gpt-oss-20b")
        assert "HF_HUB_CACHE" in body["env"]
        stage.peer.publish(pulling())
        await until(pilot, lambda: "pull 38 %" in painted(app), "its progress was shown")
        await pilot.press("x")
        await until(pilot, lambda: len(asked(stage)) == 2, "the cancel arrived")
        assert asked(stage)[1][0] == "cancel"


async def test_what_is_too_big_is_asked_about_first(stage: Stage) -> None:
    stage.supervise(stopped())
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_models(pilot)
        await pilot.press(*["down"] * 4, "p")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen), "it asked")
        await pilot.press("enter")
        assert asked(stage) == []
        await pilot.press("p", "y")
        await until(pilot, lambda: bool(asked(stage)), "the pull arrived")


async def test_a_failed_pull_says_why(stage: Stage) -> None:
    error = ErrorBody("gated", "openai/gpt-oss-20b is gated: its owner lets in who has accepted")
    stage.supervise(pulling(state=OperationState.FAILED, error=error))
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_models(pilot)
        await pilot.press(*["down"] * 3)
        assert "is gated" in painted(app)


async def test_removing_says_what_it_frees_and_takes_y(stage: Stage) -> None:
    stage.supervise(stopped())
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_models(pilot)
        await pilot.press("D")
        assert "Only models in the Hugging Face cache can be removed" in toasts(app)[-1]
        await pilot.press("down", "D")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen), "it asked")
        assert "It frees 5.6 GB" in painted(app)
        await pilot.press("enter")
        assert [body["dry_run"] for _, body in asked(stage)] == [True]
        await pilot.press("D")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen), "it asked again")
        await pilot.press("y")
        await until(pilot, lambda: len(asked(stage)) == 3, "the removal arrived")
        assert asked(stage)[2][1]["dry_run"] is False
        await until(pilot, lambda: any("Removed" in t for t in toasts(app)), "it was told")


async def test_the_filter_works_as_one_types(stage: Stage) -> None:
    stage.supervise(stopped())
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_models(pilot)
        await pilot.press("slash", *"awq")
        await until(pilot, lambda: "1 of 6" in painted(app), "it was filtered")
        await pilot.press("enter")
        marked = screen_of(pilot).models.marked
        assert marked is not None
        assert marked.name == "Qwen/Qwen2.5-7B-Instruct-AWQ"
        await pilot.press("escape")
        assert "of 6" not in painted(app)
        await pilot.press("slash", *"zzz")
        await until(
            pilot, lambda: "No model of that name here" in painted(app), "nothing was found"
        )
        await pilot.press("enter", "enter")
        assert "No model is marked." in toasts(app)[-1]


async def test_g_plans_for_another_card(stage: Stage) -> None:
    stage.supervise(stopped())
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_models(pilot)
        await pilot.press("g", *"H100", "enter")
        await until(pilot, lambda: "Plan  H100" in painted(app), "it planned for it")
        await pilot.press("g", *"24", "enter")
        await until(pilot, lambda: "24.0 of 24.0" in painted(app), "it planned for 24 GiB")
        await pilot.press("g", *"voodoo", "enter")
        await until(pilot, lambda: bool(toasts(app)), "it was told")
        assert "no card is known by the name" in toasts(app)[-1]
        await pilot.press("g", "escape")
        await until(pilot, lambda: "Plan  RTX 4080" in painted(app), "it came back")


async def test_without_a_gpu_it_plans_for_the_memory(stage: Stage) -> None:
    stage.supervise(sketches.bare())
    app: ConsoleApp = stage.console()
    async with app.run_test(size=(140, 45)) as pilot:
        await until_live(pilot)
        await pilot.press("2")
        await until(pilot, lambda: "demo-lark" in painted(app), "the models were read")
        assert "this machine's memory" in painted(app)
        assert "To be pulled" in painted(app)


async def test_without_a_supervisor_keys_say_why(stage: Stage) -> None:
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2")
        await until(pilot, lambda: isinstance(app.screen, ModelsScreen), "the screen came")
        await pilot.press("p")
        await until(pilot, lambda: bool(toasts(app)), "it was told")
        assert "Not now" in toasts(app)[-1]


async def test_read_only_pulls_nothing(stage: Stage) -> None:
    stage.supervise(stopped())
    app = stage.console(readonly=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await open_models(pilot)
        await pilot.press("down", "down", "down", "p")
        await until(pilot, lambda: bool(toasts(app)), "it was told")
        assert "read-only" in toasts(app)[-1]
        assert asked(stage) == []
