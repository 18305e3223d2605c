"""Keys that come in one go, as over a slow line, act one after the other."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from textual import events
from textual.keys import _character_to_key
from textual.widgets import Input, TextArea

from tests.console import figures_of_the_sketches as sketches
from tests.console.conftest import Stage, until, until_live
from vconsole.tui.app import ConsoleApp
from vconsole.tui.screens.confirm import ConfirmScreen
from vconsole.tui.screens.logs import LogsScreen

GOOD = Path("good.log")


def send(app: ConsoleApp, keys: str) -> None:
    """What the terminal's thread does with a chunk of input."""
    for character in keys:
        app.post_message(events.Key(_character_to_key(character), character))


@pytest.mark.parametrize("pause_ms", [0, 1, 3, 8, 20])
async def test_a_screen_a_field_and_its_text_in_one_go(stage: Stage, pause_ms: int) -> None:
    stage.supervise(sketches.ready(GOOD))
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await until_live(pilot)
        send(app, "6")
        await asyncio.sleep(pause_ms / 1000)
        send(app, "/Sqx")

        def typed() -> bool:
            return any(field.value == "Sqx" for field in app.screen.query(Input))

        await until(pilot, typed, "all that follows the slash was in the field")
        assert stage.peer.asked == []


async def test_what_follows_a_question_answers_it(stage: Stage) -> None:
    stage.supervise(sketches.ready(GOOD))
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await until_live(pilot)
        send(app, "S6")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen), "it asked")
        await pilot.pause(0.1)
        assert isinstance(app.screen, ConfirmScreen)
        send(app, "n3Hi")

        def written() -> bool:
            return any(area.text == "Hi" for area in app.screen.query(TextArea))

        await until(pilot, written, "the prompt had the text")
        assert stage.peer.asked == []


async def test_a_key_that_is_swallowed_holds_up_no_other(stage: Stage) -> None:
    stage.supervise(sketches.ready(GOOD))
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await until_live(pilot)
        await pilot.press("6")
        await until(pilot, lambda: isinstance(app.screen, LogsScreen), "the logs came")
        app.screen.focused.on_key = lambda event: asyncio.sleep(0.7)  # type: ignore[union-attr]
        send(app, "k1")
        await until(pilot, lambda: app.screen_name == "overview", "the second key acted")
