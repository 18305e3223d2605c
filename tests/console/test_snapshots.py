"""Each state and screen as a picture, at 80 x 24 and 140 x 45; changes are reviewed by eye."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.console import figures_of_the_sketches as sketches
from tests.console import happenings
from tests.console.conftest import Stage, after, until, until_live, until_lost
from tests.console.make_screenshots import PROMPT, typed
from tests.console.test_request_screen import sample_events
from vconsole.host.readings import Gpu, GpuProcess
from vconsole.requests.smoke_checks import CHECKS
from vconsole.supervisor.model import SmokeCheck, Status
from vconsole.tui.app import ConsoleApp
from vconsole.tui.screens.request import RequestScreen
from vconsole.tui.screens.smoke import SmokeScreen
from vconsole.tui.widgets.event_list import EventList

SIZES = [(80, 24), (140, 45)]
GOOD, FAILED, START = Path("good.log"), Path("failed.log"), Path("start.log")
Step = Callable[[Pilot[None]], Awaitable[object]]
Compare = Callable[..., bool]

at_100 = pytest.mark.parametrize("size", [(100, 30)], ids=["100x30"])
both_sizes = pytest.mark.parametrize("size", SIZES, ids=["80x24", "140x45"])
at_80 = pytest.mark.parametrize("size", SIZES[:1], ids=["80x24"])


def press(*keys: str) -> Step:
    return lambda pilot: pilot.press(*keys)


def show(
    stage: Stage, compare: Compare, size: tuple[int, int], status: Status, *steps: Step
) -> None:
    stage.supervise(status)
    app = stage.console()
    assert compare(app, terminal_size=size, run_before=after(until_live, *steps))


async def _answered(pilot: Pilot[None]) -> None:
    def done() -> bool:
        screen = pilot.app.screen
        return isinstance(screen, RequestScreen) and bool(screen.shown and not screen.shown.running)

    await until(pilot, done, "the answer was whole")


@both_sizes
def test_ready(stage: Stage, snap_compare: Compare, size: Any) -> None:
    show(stage, snap_compare, size, sketches.ready(GOOD))


@at_80
def test_ready_without_gpu(stage: Stage, snap_compare: Compare, size: Any) -> None:
    show(stage, snap_compare, size, sketches.on_a_cpu(GOOD))


@at_80
def test_ready_on_eight_cards(stage: Stage, snap_compare: Compare, size: Any) -> None:
    users = ("ada", "ada", "ada", "ada", "ben", "cleo", "cleo", "cleo")
    cards = tuple(
        Gpu(
            index=index,
            name="NVIDIA H100 80GB HBM3",
            memory_total_bytes=80 * sketches.GIB,
            memory_used_bytes=(62 - 7 * index) * sketches.GIB,
            utilization=0.98 - index / 10,
            temperature_c=71 - index,
            power_w=612.0 - 40 * index,
            processes=(
                GpuProcess(
                    7 + index,
                    "VLLM::Worker",
                    user,
                    (61 - 7 * index) * sketches.GIB,
                    "ours" if user == "ada" else "foreign",
                ),
            ),
        )
        for index, user in enumerate(users)
    )
    show(stage, snap_compare, size, replace(sketches.ready(GOOD), gpus=cards))


@both_sizes
def test_starting(stage: Stage, snap_compare: Compare, size: Any) -> None:
    show(stage, snap_compare, size, sketches.starting(START))


@both_sizes
def test_failed(stage: Stage, snap_compare: Compare, size: Any) -> None:
    show(stage, snap_compare, size, sketches.failed(FAILED))


@both_sizes
def test_stopped(stage: Stage, snap_compare: Compare, size: Any) -> None:
    show(stage, snap_compare, size, sketches.stopped(GOOD))


@at_80
def test_nothing_here_yet(stage: Stage, snap_compare: Compare, size: Any) -> None:
    show(stage, snap_compare, size, sketches.bare())


@both_sizes
def test_no_supervisor(stage: Stage, snap_compare: Compare, size: Any) -> None:
    app: ConsoleApp = stage.console()
    assert snap_compare(app, terminal_size=size, run_before=after(until_lost))


@at_80
def test_supervisor_gone(stage: Stage, snap_compare: Compare, size: Any) -> None:
    async def kill(pilot: Pilot[None]) -> None:
        stage.peer.end()

    show(stage, snap_compare, size, sketches.ready(GOOD), kill, until_lost)


@both_sizes
def test_request_with_answer(stage: Stage, snap_compare: Compare, size: Any) -> None:
    steps = (press("3"), press(*typed(PROMPT), "enter"), _answered)
    show(stage, snap_compare, size, sketches.ready(GOOD), *steps)


@both_sizes
def test_request_with_three_answers(stage: Stage, snap_compare: Compare, size: Any) -> None:
    async def ask(pilot: Pilot[None]) -> None:
        stage.peer.answer = sample_events(3)
        pilot.app.screen.query_one("#samples", Input).value = "3"
        await pilot.press("f2", "f2", *typed(PROMPT), "enter")

    show(stage, snap_compare, size, sketches.ready(GOOD), press("3"), ask, _answered)


@both_sizes
def test_request_with_parameters(stage: Stage, snap_compare: Compare, size: Any) -> None:
    steps = (press("3"), press(*typed(PROMPT), "enter"), _answered, press("f2"))
    show(stage, snap_compare, size, sketches.ready(GOOD), *steps)


@both_sizes
def test_the_history_of_requests(stage: Stage, snap_compare: Compare, size: Any) -> None:
    steps = (press("3"), press(*typed(PROMPT), "enter"), _answered, press("ctrl+r", *"kv"))
    show(stage, snap_compare, size, sketches.ready(GOOD), *steps)


@both_sizes
def test_smoke_page(stage: Stage, snap_compare: Compare, size: Any) -> None:
    times_ms = dict(zip(CHECKS, (3, 9, 2, 5, 88, 412, 0, 131, 240, 460, 57, 4, 5), strict=True))
    checks = tuple(
        SmokeCheck(name, name != "refusal", ms, f"what {name} saw", ms / 2)
        for name, ms in times_ms.items()
    )
    slower = tuple(check.name for check in checks if check.slower)
    report = replace(sketches.SMOKE, passed=False, checks=checks, slower=slower)
    report = replace(report, before_at=sketches.NOW, before_seconds=0.7)
    status = replace(sketches.ready(GOOD), smoke=report)

    async def open_page(pilot: Pilot[None]) -> None:
        app = pilot.app
        assert isinstance(app, ConsoleApp)
        await app.action_perform("server.smoke_page")
        await until(pilot, lambda: isinstance(app.screen, SmokeScreen), "the page came")

    show(stage, snap_compare, size, status, open_page)


@both_sizes
def test_logs(stage: Stage, snap_compare: Compare, size: Any) -> None:
    show(stage, snap_compare, size, sketches.failed(FAILED), press("6"))


@at_80
def test_logs_at_the_error(stage: Stage, snap_compare: Compare, size: Any) -> None:
    show(stage, snap_compare, size, sketches.failed(FAILED), press("l"), press("w"))


@both_sizes
def test_help(stage: Stage, snap_compare: Compare, size: Any) -> None:
    show(stage, snap_compare, size, sketches.ready(GOOD), press("question_mark"))


@both_sizes
def test_stop_confirmation(stage: Stage, snap_compare: Compare, size: Any) -> None:
    show(stage, snap_compare, size, sketches.ready(GOOD), press("S"))


@at_80
def test_ascii(stage: Stage, snap_compare: Compare, size: Any) -> None:
    stage.supervise(sketches.ready(GOOD))
    app = stage.console(ascii_only=True)
    assert snap_compare(app, terminal_size=size, run_before=after(until_live))


@at_100
def test_ready_at_100(stage: Stage, snap_compare: Compare, size: Any) -> None:
    show(stage, snap_compare, size, sketches.ready(GOOD))


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (140, 45)], ids=["80", "100", "140"])
def test_while_away(stage: Stage, snap_compare: Compare, size: Any) -> None:
    async def come(pilot: Pilot[None]) -> None:
        app = pilot.app
        assert isinstance(app, ConsoleApp)
        app.ask_report(happenings.REPORT.since_at, away=True)
        await until(pilot, lambda: app.screen_name == "away", "the page came")

    stage.supervise(sketches.ready(GOOD))
    stage.peer.report = happenings.REPORT
    app = stage.console()
    assert snap_compare(app, terminal_size=size, run_before=after(until_live, come))


@both_sizes
def test_events(stage: Stage, snap_compare: Compare, size: Any) -> None:
    async def come(pilot: Pilot[None]) -> None:
        def listed() -> bool:
            return any(each.count for each in pilot.app.screen.query(EventList))

        await until(pilot, listed, "the events came")

    stage.supervise(sketches.ready(GOOD))
    stage.peer.tell(*happenings.EVENTS)
    app = stage.console()
    steps = (until_live, press("e"), come, press(*["up"] * 6))
    assert snap_compare(app, terminal_size=size, run_before=after(*steps))


@at_80
def test_themes(stage: Stage, snap_compare: Compare, size: Any) -> None:
    async def choose(pilot: Pilot[None]) -> None:
        app = pilot.app
        assert isinstance(app, ConsoleApp)
        await app.action_perform("console.theme")
        await pilot.press("down", "down")

    show(stage, snap_compare, size, sketches.ready(GOOD), choose)
