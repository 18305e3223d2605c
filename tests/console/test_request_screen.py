"""The keys of the Request screen: ask, stop, repeat, copy, and the parameters."""

from __future__ import annotations

from pathlib import Path

from textual.pilot import Pilot

from tests.console import figures_of_the_sketches as sketches
from tests.console.conftest import Stage, painted, toasts, until, until_live
from tests.console.make_screenshots import PROMPT, typed
from vconsole.supervisor.model import ErrorBody
from vconsole.tui.screens.request import RequestScreen

GOOD = Path("good.log")


async def open_request(pilot: Pilot[None]) -> RequestScreen:
    await until_live(pilot)
    await pilot.press("3")
    await until(pilot, lambda: isinstance(pilot.app.screen, RequestScreen), "the screen came")
    screen = pilot.app.screen
    assert isinstance(screen, RequestScreen)
    return screen


async def ask(pilot: Pilot[None], screen: RequestScreen, text: str) -> None:
    await pilot.press(*typed(text), "enter")
    await until(pilot, lambda: bool(screen.shown and not screen.shown.running), "it was answered")


async def test_an_answer_streams_in_with_its_figures(stage: Stage) -> None:
    stage.supervise(sketches.ready(GOOD))
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await open_request(pilot)
        stage.peer.hold_answer.clear()
        await pilot.press(*typed(PROMPT), "enter")
        await until(pilot, lambda: "reasoning" in painted(app), "the reasoning came in")
        assert "esc stops it" in painted(app)
        stage.peer.hold_answer.set()
        await until(pilot, lambda: "TTFT 82 ms" in painted(app), "the figures came")
        assert "tok/s 63.5" in painted(app)
        assert PROMPT in painted(app)
        assert "runs out of speed" in painted(app)
        assert stage.peer.asked[0][1]["prompt"] == PROMPT
        assert stage.peer.asked[0][1]["max_tokens"] == 512
        assert screen.prompt.text == ""


async def test_esc_stops_the_answer_then_leaves_the_field(stage: Stage) -> None:
    stage.supervise(sketches.ready(GOOD))
    stage.peer.hold_answer.clear()
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_request(pilot)
        await pilot.press("h", "i", "enter")
        await until(pilot, lambda: "reasoning" in painted(app), "it began")
        await pilot.press("escape")
        assert "stopped" in painted(app)
        stage.peer.hold_answer.set()
        await pilot.pause(0.3)
        assert "runs out of speed" not in painted(app)
        await pilot.press("escape", "1")
        await until(pilot, lambda: app.screen_name == "overview", "the digit was a key again")


async def test_earlier_requests_are_recalled_and_sent_again(stage: Stage) -> None:
    stage.supervise(sketches.ready(GOOD))
    app = stage.console()
    async with app.run_test(size=(140, 45)) as pilot:
        screen = await open_request(pilot)
        await ask(pilot, screen, "one")
        await ask(pilot, screen, "two")
        await pilot.press("up")
        assert screen.prompt.text == "two"
        await pilot.press("up")
        assert screen.prompt.text == "one"
        assert screen.shown is not None
        assert screen.shown.number == 1
        await pilot.press("enter")
        await until(pilot, lambda: len(stage.peer.asked) == 3, "it was sent again")
        assert [body["prompt"] for _, body in stage.peer.asked] == ["one", "two", "one"]


async def test_ctrl_j_breaks_the_line(stage: Stage) -> None:
    stage.supervise(sketches.ready(GOOD))
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await open_request(pilot)
        await pilot.press("a", "ctrl+j", "b")
        assert screen.prompt.text == "a\nb"
        assert stage.peer.asked == []


async def test_parameters_unfold_at_80_and_are_sent(stage: Stage) -> None:
    stage.supervise(sketches.ready(GOOD))
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await open_request(pilot)
        assert "Parameters" not in painted(app)
        await pilot.press("f2", *"brief", "tab", "end", "backspace", "tab", "0", "full_stop", "5")
        await until(pilot, lambda: "Parameters" in painted(app), "the column came")
        await pilot.press("f2")
        await ask(pilot, screen, "hi")
        body = stage.peer.asked[0][1]
        assert (body["system"], body["max_tokens"], body["temperature"]) == ("brief", 51, 0.5)


async def test_y_copies_the_answer(stage: Stage) -> None:
    stage.supervise(sketches.ready(GOOD))
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await open_request(pilot)
        await ask(pilot, screen, "hi")
        await pilot.press("escape", "y")
        assert app.clipboard.endswith("runs out of speed.")


async def test_a_refused_request_shows_why(stage: Stage) -> None:
    stage.supervise(sketches.ready(GOOD))
    stage.peer.refusal = ErrorBody("refused", "the prompt is too long", "shorten it", 5)
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await open_request(pilot)
        await ask(pilot, screen, "hi")
        assert "the prompt is too long" in painted(app)
        assert "shorten it" in painted(app)


async def test_without_a_server_it_says_which_key_helps(stage: Stage) -> None:
    stage.supervise(sketches.stopped(GOOD))
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_request(pilot)
        assert "No server runs" in painted(app)
        await pilot.press("h", "i", "enter")
        await until(pilot, lambda: bool(toasts(app)), "a toast came")
        assert stage.peer.asked == []
