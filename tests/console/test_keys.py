"""Every key that holds everywhere: what it asks for, and what it says when it cannot act."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.console import figures_of_the_sketches as sketches
from tests.console.conftest import Stage, painted, toasts, until, until_live, until_lost
from vconsole.supervisor.model import ErrorBody, Operation, OperationState, Status
from vconsole.tui.actions import ACTIONS
from vconsole.tui.perform import PERFORM
from vconsole.tui.screens.confirm import ConfirmScreen
from vconsole.tui.screens.help import HelpScreen
from vconsole.tui.screens.host import HostScreen
from vconsole.tui.screens.logs import LogsScreen
from vconsole.tui.screens.model_name import ModelScreen
from vconsole.tui.screens.models import ModelsScreen
from vconsole.tui.screens.request import RequestScreen
from vconsole.tui.screens.service import ServiceScreen
from vconsole.tui.view import Link
from vconsole.tui.widgets.key_bar import KeyBar

GOOD, FAILED = Path("good.log"), Path("failed.log")


def verbs(stage: Stage) -> list[str]:
    return [verb for verb, _ in stage.peer.asked]


def kept(pattern: str) -> Path:
    """The one file of that name in the state folder."""
    (found,) = Path("state/vconsole").absolute().glob(pattern)
    return found


def stand_in_the_way() -> None:
    Path("state").write_text("no folder")


def test_every_action_can_be_carried_out() -> None:
    screens = {
        "models": ModelsScreen,
        "request": RequestScreen,
        "logs": LogsScreen,
        "host": HostScreen,
        "service": ServiceScreen,
    }
    for action in ACTIONS:
        if action.screen is None:
            assert action.id in PERFORM
        elif action.screen in screens:
            assert callable(getattr(screens[action.screen], action.method))


def test_no_key_means_two_things_on_one_screen() -> None:
    for screen in ("overview", "models", "request", "logs", "host", "service"):
        keys = [key for a in ACTIONS if a.screen in (None, screen) for key in a.keys]
        assert len(keys) == len(set(keys)), screen


def test_dangerous_keys_are_upper_case_and_no_others() -> None:
    for action in ACTIONS:
        for key in action.keys:
            if action.danger:
                assert key.isupper()
            elif action.mutates:
                assert key.islower()


async def test_digits_lead_to_screens_and_q_leaves(stage: Stage) -> None:
    stage.supervise(sketches.ready(GOOD))
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await until_live(pilot)
        for key, name in (("6", "logs"), ("1", "overview"), ("3", "request")):
            await pilot.press(key)
            await until(pilot, lambda name=name: app.screen_name == name, f"{name} came")  # type: ignore[misc]
        await pilot.press("escape", "1", "q")
    assert app.return_code == 0


async def test_the_key_bar_takes_clicks(stage: Stage) -> None:
    stage.supervise(sketches.ready(GOOD))
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await until_live(pilot)
        screens, keys = painted(app).splitlines()[-2:]
        await pilot.click(KeyBar, offset=(keys.index("? help"), 1))
        await until(pilot, lambda: isinstance(app.screen, HelpScreen), "help came")
        await pilot.press("escape")
        await pilot.click(KeyBar, offset=(screens.index("Logs"), 0))
        await until(pilot, lambda: app.screen_name == "logs", "the logs came")


async def test_s_starts_the_model_that_ran_last(stage: Stage) -> None:
    stage.supervise(sketches.stopped(GOOD))
    app = stage.console()
    async with app.run_test() as pilot:
        await until_live(pilot)
        await pilot.press("s")
        await until(pilot, lambda: bool(stage.peer.asked), "the start arrived")
        assert stage.peer.asked[0][0] == "start"
        assert stage.peer.asked[0][1]["model"] is None


async def test_s_asks_for_a_model_where_none_is_known(stage: Stage) -> None:
    stage.supervise(sketches.bare())
    app = stage.console()
    async with app.run_test() as pilot:
        await until_live(pilot)
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, ModelScreen), "it asked")
        await pilot.press("a", "/", "b", "enter")
        await until(pilot, lambda: bool(stage.peer.asked), "the start arrived")
        assert stage.peer.asked[0][1]["model"] == "a/b"


@pytest.mark.parametrize(("key", "verb"), [("S", "stop"), ("R", "restart")])
async def test_a_dangerous_key_asks_first_and_only_y_confirms(
    stage: Stage, key: str, verb: str
) -> None:
    stage.supervise(sketches.ready(GOOD))
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await until_live(pilot)
        for refusal in ("enter", "escape", "n"):
            await pilot.press(key)
            await until(pilot, lambda: isinstance(app.screen, ConfirmScreen), "it asked")
            await pilot.press(key)
            assert isinstance(app.screen, ConfirmScreen)
            assert "28 requests are in flight" in painted(app)
            assert "mistral-7b-instruct on 127.0.0.1:8000" in painted(app)
            await pilot.press(refusal)
            await until(pilot, lambda: app.screen_name == "overview", "the question went")
        assert verbs(stage) == []
        await pilot.press(key, "y")
        await until(pilot, lambda: verbs(stage) == [verb], f"the {verb} arrived")


@pytest.mark.parametrize("closed", [True, False])
async def test_t_runs_the_smoke_test_and_its_result_is_told_once(
    stage: Stage, closed: bool
) -> None:
    status = replace(sketches.ready(GOOD), smoke=None)
    stage.supervise(status)
    app = stage.console()
    async with app.run_test() as pilot:
        await until_live(pilot)
        await pilot.press("t")
        await until(pilot, lambda: verbs(stage) == ["smoke"], "the smoke test arrived")
        assert "testing" in painted(app)
        await pilot.press(*(["escape"] if closed else []))
        await pilot.pause(0.2)
        stage.peer.publish(_ended(status, "smoke", "op-1"))
        if closed:
            await until(pilot, lambda: bool(toasts(app)), "a toast came")
            assert "Smoke test passed 2 checks in 2.1 s" in toasts(app)[0]
        else:
            await until(pilot, lambda: "smoke test passed in 2.1 s" in painted(app), "the page")
            assert toasts(app) == []


def _ended(status: Status, kind: str, id: str) -> Status:
    operation = Operation(
        id=id,
        kind=kind,
        server="main",
        state=OperationState.DONE,
        started_at=sketches.NOW - timedelta(seconds=2),
        ended_at=sketches.NOW,
        seconds=2.1,
    )
    return replace(status, operations=(operation,), smoke=sketches.SMOKE)


async def test_a_refusal_is_shown_with_its_remedy(stage: Stage) -> None:
    stage.supervise(sketches.stopped(GOOD))
    stage.peer.refusal = ErrorBody("refused", "port 8000 is taken", "name another with --port", 5)
    app = stage.console()
    async with app.run_test() as pilot:
        await until_live(pilot)
        await pilot.press("s")
        await until(pilot, lambda: bool(toasts(app)), "a toast came")
        assert "port 8000 is taken\nname another with --port" in toasts(app)[0]


@pytest.mark.parametrize(
    ("key", "reason"),
    [("s", "the server is ready"), ("r", "has not failed"), ("l", "no failure"), ("c", "answers")],
)
async def test_a_key_that_cannot_act_says_why(stage: Stage, key: str, reason: str) -> None:
    stage.supervise(sketches.ready(GOOD))
    app = stage.console()
    async with app.run_test() as pilot:
        await until_live(pilot)
        await pilot.press(key)
        await until(pilot, lambda: bool(toasts(app)), "a toast came")
        assert reason in toasts(app)[0]
        assert verbs(stage) == []


async def test_read_only_changes_nothing(stage: Stage) -> None:
    stage.supervise(sketches.ready(GOOD))
    app = stage.console(readonly=True)
    async with app.run_test() as pilot:
        await until_live(pilot)
        await pilot.press("t", "S", "R")
        await pilot.pause(0.2)
        assert app.screen_name == "overview"
        assert verbs(stage) == []
        assert all("read-only" in toast for toast in toasts(app))
        assert "read-only" in painted(app)


async def test_r_starts_again_after_a_failure(stage: Stage) -> None:
    stage.supervise(sketches.failed(FAILED))
    app = stage.console()
    async with app.run_test() as pilot:
        await until_live(pilot)
        await pilot.press("r")
        await until(pilot, lambda: verbs(stage) == ["start"], "the start arrived")


async def test_l_shows_the_line_of_the_log_that_shows_why(stage: Stage) -> None:
    stage.supervise(sketches.failed(FAILED))
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await until_live(pilot)
        await pilot.press("l")
        await until(pilot, lambda: "line 8 of 9" in painted(app), "line 8 was marked")


async def test_help_lists_the_keys_and_closes(stage: Stage) -> None:
    stage.supervise(sketches.ready(GOOD))
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await until_live(pilot)
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen), "help came")
        assert "Drain and stop the server" in painted(app)
        assert "not now: the server is ready" in painted(app)
        await pilot.press("escape")
        assert app.screen_name == "overview"


async def test_the_palette_finds_an_action(stage: Stage) -> None:
    stage.supervise(sketches.ready(GOOD))
    app = stage.console()
    async with app.run_test() as pilot:
        await until_live(pilot)
        await pilot.press("ctrl+p", "l", "o", "g", "s")
        await pilot.pause(0.5)
        await pilot.press("enter")
        await pilot.pause(0.2)
        if app.screen_name != "logs":
            await pilot.press("enter")
        await until(pilot, lambda: app.screen_name == "logs", "the logs came")


async def test_y_copies_the_url(stage: Stage) -> None:
    stage.supervise(sketches.ready(GOOD))
    app = stage.console()
    async with app.run_test() as pilot:
        await until_live(pilot)
        await pilot.press("y")
        assert app.clipboard == "http://127.0.0.1:8000/v1"


async def test_what_is_copied_is_in_a_file_too(stage: Stage) -> None:
    stage.supervise(sketches.ready(GOOD))
    app = stage.console()
    async with app.run_test() as pilot:
        await until_live(pilot)
        await pilot.press("y")
        await until(pilot, lambda: bool(toasts(app)), "a toast came")
        path = kept("copied.txt")
        assert f"it is in {path} too" in toasts(app)[0]
        assert path.read_text() == "http://127.0.0.1:8000/v1\n"
        assert path.stat().st_mode & 0o777 == 0o600


async def test_a_copy_that_cannot_be_written_says_so(stage: Stage) -> None:
    stage.supervise(sketches.ready(GOOD))
    stand_in_the_way()
    app = stage.console()
    async with app.run_test() as pilot:
        await until_live(pilot)
        await pilot.press("y")
        await until(pilot, lambda: bool(toasts(app)), "a toast came")
        assert "not done" in toasts(app)[0]


async def test_f12_writes_a_picture(stage: Stage) -> None:
    stage.supervise(sketches.ready(GOOD))
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await until_live(pilot)
        await pilot.press("f12")
        await until(pilot, lambda: bool(toasts(app)), "a toast came")
        written = kept("console-*.svg")
        assert "Throughput" in written.read_text()
        assert written.name in toasts(app)[0]


async def test_ctrl_c_ends_nothing(stage: Stage) -> None:
    stage.supervise(sketches.ready(GOOD))
    app = stage.console()
    async with app.run_test() as pilot:
        await until_live(pilot)
        await pilot.press("ctrl+c")
        await pilot.pause(0.1)
        assert app.is_running
        assert "press q" in toasts(app)[0].lower()


async def test_the_link_comes_back_by_itself(stage: Stage) -> None:
    stage.supervise(sketches.ready(GOOD))
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await until_live(pilot)
        stage.peer.end()
        await until_lost(pilot)
        assert "No supervisor for" in painted(app)
        assert "mistral-7b-instruct" in painted(app)
        stage.supervise(sketches.stopped(GOOD))
        await until(pilot, lambda: app.session.link is Link.LIVE, "the link was back")
        await until(pilot, lambda: "STOPPED" in painted(app), "the new state was drawn")


async def test_c_starts_the_supervisor_at_once(stage: Stage) -> None:
    app = stage.console()
    tried: list[Path] = []
    connect = app.link._connect

    def counted(path: Path) -> object:
        tried.append(path)
        return connect(path)

    app.link._connect = counted  # type: ignore[assignment]
    async with app.run_test(size=(80, 24)) as pilot:
        await until_lost(pilot)
        assert "NO SUPERVISOR" in painted(app)
        await pilot.press("c")
        await until(pilot, lambda: len(tried) == 2, "it was started a second time")


async def test_a_small_terminal_says_what_it_needs(stage: Stage) -> None:
    stage.supervise(sketches.ready(GOOD))
    app = stage.console()
    async with app.run_test(size=(50, 12)) as pilot:
        await until_live(pilot)
        await pilot.pause(0.1)
        assert "needs 60 x 16" in " ".join(painted(app).split())
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: "Throughput" in painted(app), "the panels came")


async def test_an_unchanged_snapshot_repaints_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = sketches.ready(GOOD)
    stage.supervise(status)
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await until_live(pilot)
        await pilot.pause(0.3)
        painted_before = painted(app)
        updates: list[object] = []
        monkeypatch.setattr(app, "_display", lambda *content: updates.append(content))
        stage.peer.publish(replace(status))
        await pilot.pause(0.5)
        assert updates == []
        assert painted(app) == painted_before


async def test_top_is_the_overview_alone(stage: Stage) -> None:
    stage.supervise(sketches.ready(GOOD))
    app = stage.console(readonly=True, alone=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await until_live(pilot)
        assert "6 Logs" not in painted(app)
        await pilot.press("6", "3", "e", "S")
        await pilot.pause(0.2)
        assert app.screen_name == "overview"
        assert ["overview alone" in toast for toast in toasts(app)[:3]] == [True] * 3
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen), "help came")


async def test_what_a_logout_ends_is_told_where_it_matters(stage: Stage) -> None:
    ready = sketches.ready(GOOD)
    note = "logind ends the supervisor; to let it live: `loginctl enable-linger ada`"
    stage.supervise(replace(ready, supervisor=replace(ready.supervisor, survival_note=note)))
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await until_live(pilot)
        assert "Your logout ends this server.  ? says how it lives on" in painted(app)
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen), "help came")
        assert "`loginctl enable-linger ada`" in painted(app)
