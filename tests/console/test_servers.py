"""Several servers: which one is looked at, how to turn to another, and what is not ours."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.console import figures_of_the_sketches as sketches
from tests.console.conftest import Stage, painted, toasts, until, until_live
from vconsole.tui.app import ConsoleApp
from vconsole.tui.screens.confirm import ConfirmScreen
from vconsole.tui.screens.servers import ServersScreen
from vconsole.tui.view import Link
from vconsole.tui.widgets.key_bar import KeyBar

GOOD, FAILED, START = Path("good.log"), Path("failed.log"), Path("start.log")


def two(stage: Stage) -> None:
    """A ready `main` and a failed `second`."""
    first, second = sketches.beside(sketches.ready(GOOD), sketches.failed(FAILED), "second")
    stage.supervise(first)
    stage.peer.publish(second)


def looks_at(app: ConsoleApp, name: str) -> bool:
    view = app.session.view()
    return view.name == name and view.link is Link.LIVE


async def test_n_turns_to_the_next_server_and_back(stage: Stage) -> None:
    two(stage)
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await until_live(pilot)
        assert "READY  main 1/2" in painted(app)
        assert "✕ second FAILED  n looks at it" in painted(app)
        await pilot.press("n")
        await until(pilot, lambda: looks_at(app, "second"), "the second was live")
        assert "FAILED  second 2/2" in painted(app)
        assert "44,688 tokens" in painted(app)
        assert app.session.view().history.peak("requests_running", 600, sketches.NOW) is None
        await pilot.press("n")
        await until(pilot, lambda: looks_at(app, "main"), "the first was live again")
        assert "1,842 tok/s" in painted(app)


async def test_what_is_asked_for_concerns_the_server_on_show(stage: Stage) -> None:
    two(stage)
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await until_live(pilot)
        await pilot.press("n")
        await until(pilot, lambda: looks_at(app, "second"), "the second was live")
        await pilot.press("r")
        await until(pilot, lambda: stage.peer.asked_of == ["second"], "the start arrived")
        await pilot.press("n")
        await until(pilot, lambda: looks_at(app, "main"), "the first was live again")
        await pilot.press("S")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen), "it asked")
        await pilot.press("y")
        await until(pilot, lambda: stage.peer.asked_of == ["second", "main"], "the stop arrived")


async def test_the_log_follows_the_chosen_server(stage: Stage) -> None:
    two(stage)
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await until_live(pilot)
        await pilot.press("6")
        await until(pilot, lambda: "good.log" in painted(app), "the first log came")
        await pilot.press("n")
        await until(pilot, lambda: "failed.log" in painted(app), "the second log came")
        first = stage.peer.of("main")
        stage.peer.publish(replace(first, server=replace(first.server, log_path=None)))
        await pilot.press("n")
        await until(pilot, lambda: "No log yet" in painted(app), "there was no log")


async def test_a_opens_the_list_and_enter_chooses(stage: Stage) -> None:
    two(stage)
    first = stage.peer.of("main")
    stage.peer.publish(replace(first, foreign=(sketches.FOREIGN,), strays=(sketches.STRAY,)))
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await until_live(pilot)
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, ServersScreen), "the list came")
        shown = painted(app)
        assert "vconsole adopt 5120" in shown
        assert "VLLM::EngineCore" in shown
        await pilot.press("escape")
        assert app.server_name == "main"
        await pilot.press("a", "down", "enter")
        await until(pilot, lambda: looks_at(app, "second"), "the second was live")


async def test_the_servers_in_the_key_bar_take_a_click(stage: Stage) -> None:
    two(stage)
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await until_live(pilot)
        row = painted(app).splitlines()[-2]
        # No room for names beside seven screens in 80 columns.
        await pilot.click(KeyBar, offset=(row.index("1 other"), 0))
        await until(pilot, lambda: isinstance(app.screen, ServersScreen), "the list came")
        row_of_second = next(
            y for y, text in enumerate(painted(app).splitlines()) if "second  " in text
        )
        await pilot.click(offset=(12, row_of_second))
        await until(pilot, lambda: looks_at(app, "second"), "the second was live")


async def test_it_opens_on_the_server_that_is_named(stage: Stage) -> None:
    two(stage)
    app = stage.console(name="second")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: looks_at(app, "second"), "the second was live")
        assert "second 2/2" in painted(app)


async def test_one_server_needs_no_switch(stage: Stage) -> None:
    stage.supervise(sketches.ready(GOOD))
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await until_live(pilot)
        assert "1/1" not in painted(app)
        await pilot.press("n")
        await until(pilot, lambda: bool(toasts(app)), "a toast came")
        assert "there is no other server" in toasts(app)[0]


async def test_what_is_not_ours_is_shown(stage: Stage) -> None:
    ready = replace(sketches.ready(GOOD), foreign=(sketches.FOREIGN,), strays=(sketches.STRAY,))
    stage.supervise(ready)
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await until_live(pilot)
        shown = painted(app)
        assert "VLLM::EngineCore of cleo (pid 6001) serves nobody and holds 2.0 GiB" in shown
        assert "ben:8010 qwen3-8b" in shown
        assert "q leave" in shown.splitlines()[-1]
        stopped = replace(sketches.stopped(GOOD), foreign=(sketches.FOREIGN,))
        stage.peer.publish(stopped)
        await until(pilot, lambda: "ben serves qwen3-8b on :8010" in painted(app), "it was told")


async def test_turning_while_the_supervisor_is_away_keeps_looking_for_it(stage: Stage) -> None:
    two(stage)
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await until_live(pilot)
        stage.peer.end()
        await until(pilot, lambda: app.session.link is Link.LOST, "the link was lost")
        await pilot.press("n")
        await until(pilot, lambda: "second 2/2" in painted(app), "the second was shown")
        two(stage)
        await until(pilot, lambda: looks_at(app, "second"), "the second was live")
