"""Keys of the user's own: what holds, what is told, and that every place shows the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.console import figures_of_the_sketches as sketches
from tests.console.conftest import Stage, painted, toasts, until, until_live
from vconsole.settings import Settings, Table, UiSettings
from vconsole.supervisor.client import SupervisorClient
from vconsole.tui.actions import ACTIONS
from vconsole.tui.app import ConsoleApp
from vconsole.tui.keymap import checked
from vconsole.tui.screens.confirm import ConfirmScreen
from vconsole.tui.screens.help import HelpScreen

GOOD = Path("good.log")


def console(keymap: Table) -> ConsoleApp:
    return ConsoleApp(
        Path("s.sock"),
        chosen=Settings(ui=UiSettings(keymap=keymap)),
        now=lambda: sketches.NOW,
        connect=SupervisorClient,
    )


def test_keys_are_taken_as_people_write_them() -> None:
    wanted = {
        "server.stop": ("K",),
        "logs.filter": ("?", "f3"),
        "console.help": ("f1",),
        "logs.copy": ("ctrl+x",),
        "request.older": ("[",),
        "console.theme": ("T",),
        "server.next": (),
    }
    held, faults = checked(wanted)
    assert faults == []
    assert held["logs.filter"] == ("question_mark", "f3")
    assert held["request.older"] == ("left_square_bracket",)
    assert (held["server.stop"], held["server.next"]) == (("K",), ())


@pytest.mark.parametrize(
    ("wanted", "fault"),
    [
        ({"server.explode": ("X",)}, "server.explode: there is no such action"),
        ({"server.stop": ("hyper+x",)}, "server.stop: hyper+x is no key"),
        ({"server.stop": ("",)}, "server.stop:  is no key"),
        ({"server.stop": ("R",)}, "server.stop: R is server.restart already"),
        ({"logs.copy": ("slash",)}, "logs.copy: / is logs.filter already"),
        ({"logs.copy": ("j",)}, "logs.copy: j is taken"),
        ({"server.stop": ("y",)}, "server.stop: y answers its question and cannot ask it"),
        ({"logs.copy": ("z",), "logs.wrap": ("z",)}, "logs.wrap: z is logs.copy already"),
    ],
)
def test_what_is_wrong_is_named_and_the_rest_applies(wanted: Table, fault: str) -> None:
    held, faults = checked({"server.smoke": ("T",), **wanted})
    assert faults == [fault]
    assert held["server.smoke"] == ("T",)
    assert set(held) == {"server.smoke", *wanted} - {fault.partition(":")[0]}


def test_two_actions_may_change_places() -> None:
    held, faults = checked({"server.stop": ("R",), "server.restart": ("S",)})
    assert faults == []
    assert (held["server.stop"], held["server.restart"]) == (("R",), ("S",))


def test_one_key_may_mean_two_things_on_two_screens() -> None:
    assert checked({"logs.copy": ("z",), "overview.copy": ("z",)})[1] == []


def test_the_built_in_keys_are_faultless() -> None:
    assert checked({action.id: action.keys for action in ACTIONS if action.keys})[1] == []


async def test_the_new_key_acts_the_old_does_not_and_every_place_shows_it(stage: Stage) -> None:
    stage.supervise(sketches.ready(GOOD))
    app = console({"server.stop": ("K",), "server.smoke": ("Z",), "console.theme": ("Y",)})
    async with app.run_test(size=(80, 24)) as pilot:
        await until_live(pilot)
        assert "K stop" in painted(app)
        assert "Z smoke test" in painted(app)
        await pilot.press("S", "t")
        await pilot.pause(0.2)
        assert app.screen_name == "overview"
        assert stage.peer.asked == []
        await pilot.press("K")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen), "it asked")
        await pilot.press("escape", "question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen), "help came")
        assert "K          stop" in painted(app)
        await pilot.press("pagedown", "pagedown")
        assert "Y          theme" in painted(app)
        await pilot.press("escape", "ctrl+p", *"smoke")
        await until(pilot, lambda: "Smoke test  Z" in painted(app), "the palette shows it")
        await pilot.press("escape", "Z")
        await until(pilot, lambda: stage.peer.asked == [("smoke", None)], "the new key acted")


async def test_hints_name_the_new_keys(stage: Stage) -> None:
    stage.supervise(sketches.stopped(GOOD))
    app = console({"server.start": ("a",), "server.choose": ("j",), "server.next": ()})
    async with app.run_test(size=(80, 24)) as pilot:
        await until_live(pilot)
        assert "Press a to start" in painted(app)
        assert "a  start mistral-7b-instruct" in painted(app)


async def test_faults_are_told_once_and_together(stage: Stage) -> None:
    stage.supervise(sketches.ready(GOOD))
    app = console({"no.such": ("X",), "server.stop": ("R",), "server.smoke": ("T",)})
    async with app.run_test(size=(80, 24)) as pilot:
        await until_live(pilot)
        await until(pilot, lambda: bool(toasts(app)), "they were told")
        (told,) = toasts(app)
        for word in ("Keys not used", "no.such", "server.stop", "config.toml"):
            assert word in told
        assert "S stop" in painted(app)
        assert "T smoke test" in painted(app)


async def test_an_action_on_its_new_key_says_why_it_cannot_act(stage: Stage) -> None:
    stage.supervise(sketches.ready(GOOD))
    app = console({"server.start": ("f9",)})
    async with app.run_test(size=(80, 24)) as pilot:
        await until_live(pilot)
        await pilot.press("f9")
        await until(pilot, lambda: bool(toasts(app)), "a toast came")
        assert "the server is ready" in toasts(app)[0]
