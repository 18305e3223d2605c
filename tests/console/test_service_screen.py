"""The service screen: pages of the unit by keys, both scopes, and its questions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.console import figures_of_a_host as host
from tests.console import figures_of_the_sketches as sketches
from tests.console.conftest import Stage, after, painted, toasts, until, until_live
from tests.console.test_snapshots import Compare, both_sizes
from vconsole.errors import VConsoleError
from vconsole.host import systemd
from vconsole.host.units import Scope
from vconsole.tui.app import ConsoleApp
from vconsole.tui.background import chores
from vconsole.tui.background.servicing import Page, ServiceLook, read_service
from vconsole.tui.screens.service import ServiceScreen

GOOD = Path("good.log")


def console(stage: Stage, readonly: bool = False) -> ConsoleApp:
    stage.supervise(sketches.ready(GOOD))
    return stage.console(readonly)


async def open_service(pilot: Pilot[None]) -> ServiceScreen:
    await until_live(pilot)
    await pilot.press("7", "i")
    await until(pilot, lambda: isinstance(pilot.app.screen, ServiceScreen), "the screen came")
    screen = pilot.app.screen
    assert isinstance(screen, ServiceScreen)
    await until(pilot, lambda: screen.look is not None, "the unit came")
    return screen


async def seen(pilot: Pilot[None]) -> None:
    await open_service(pilot)


@both_sizes
def test_service(stage: Stage, snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(console(stage), terminal_size=size, run_before=after(seen))


async def ask_to_install(pilot: Pilot[None]) -> None:
    await open_service(pilot)
    await pilot.press("d", "I")


@both_sizes
def test_service_question(stage: Stage, snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(console(stage), terminal_size=size, run_before=after(ask_to_install))


async def test_each_page_has_its_key_and_escape_leads_back(stage: Stage) -> None:
    app = console(stage)
    async with app.run_test(size=(100, 30)) as pilot:
        screen = await open_service(pilot)
        assert "Type=notify" in painted(app)
        for key, page, words in (
            ("d", Page.DIFF, "+ExecStart="),
            ("e", Page.JOURNAL, "14:49 gpu-box"),
            ("p", Page.PREVIEW, "WatchdogSec=30"),
        ):
            await pilot.press(key)
            await until(pilot, lambda page=page: screen.look.page is page, f"{page} came")  # type: ignore[union-attr, misc]
            assert words in painted(app)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen_name == "host", "back to the host")


async def test_the_journal_is_scrolled_from_its_newest_line(stage: Stage) -> None:
    app = console(stage)
    async with app.run_test(size=(100, 30)) as pilot:
        screen = await open_service(pilot)
        await pilot.press("e")
        await until(pilot, lambda: "14:49" in painted(app), "the newest line is seen")
        await pilot.press("home")
        assert "14:00" in painted(app)
        assert "14:49" not in painted(app)
        await pilot.press("space")
        await pilot.pause(0.1)
        assert screen.panel.top == 0, "what is read anew stays where it was"


async def test_w_shows_the_machines_unit(stage: Stage) -> None:
    app = console(stage)
    async with app.run_test(size=(100, 30)) as pilot:
        await open_service(pilot)
        await pilot.press("w")
        await until(pilot, lambda: "the machine's unit" in painted(app), "it came")
        assert "not installed for the system" in painted(app)
        await pilot.press("X")
        await until(pilot, lambda: "nothing is installed" in " ".join(toasts(app)), "it says so")


async def test_install_and_uninstall_ask_and_a_process_of_its_own_does_it(stage: Stage) -> None:
    """The process is the real command; where no systemd is booted, it says so and what works."""
    app = console(stage)
    async with app.run_test(size=(100, 40)) as pilot:
        await open_service(pilot)
        await pilot.press("X")
        await until(pilot, lambda: "vconsole service uninstall --user" in painted(app), "it asks")
        await pilot.press("enter", "I")
        await until(pilot, lambda: "service install small --user" in painted(app), "it asks")
        assert chores.look() is None
        await pilot.press("y")
        await until(pilot, lambda: chores.look() is not None, "it was begun")
        await until(pilot, lambda: bool((now := chores.look()) and now.failed), "it ended", 30)
    found = chores.look()
    assert found is not None
    assert found.command == "vconsole service install small --user"


async def test_a_read_only_console_changes_nothing(stage: Stage) -> None:
    app = console(stage, readonly=True)
    async with app.run_test(size=(100, 40)) as pilot:
        await open_service(pilot)
        for key in ("I", "X"):
            await pilot.press(key)
            await until(pilot, lambda: "read-only" in " ".join(toasts(app)), "it refuses")
    assert chores.look() is None


async def test_without_systemd_it_says_what_works_there(stage: Stage) -> None:
    error = VConsoleError("no systemd is booted here", "the supervisor starts by itself")

    def read(scope: Scope, page: Page) -> ServiceLook:
        return replace(host.service(scope, page), state=(), error=error, installed=False)

    stage.read_service = read
    app = console(stage)
    async with app.run_test(size=(100, 40)) as pilot:
        await open_service(pilot)
        assert "no systemd is booted here" in painted(app)
        assert "the supervisor starts by itself" in painted(app)
        await pilot.press("I")
        await until(pilot, lambda: "no systemd" in " ".join(toasts(app)), "it refuses")
        assert chores.look() is None


@pytest.mark.parametrize("page", list(Page))
def test_what_is_read_on_this_machine(
    page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    found = read_service(Scope.USER, page)
    assert not found.installed
    assert found.path == str(tmp_path / ".config/systemd/user/vconsole.service")
    assert found.error is not None
    if not systemd.is_booted():
        assert "no systemd" in found.error.message
