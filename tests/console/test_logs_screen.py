"""The keys of the Logs screen, over a file that grows."""

from __future__ import annotations

from pathlib import Path

from textual.pilot import Pilot

from tests.console import figures_of_the_sketches as sketches
from tests.console.conftest import Stage, painted, until, until_live
from vconsole.engine.log.logline import LogLevel
from vconsole.tui.app import ConsoleApp
from vconsole.tui.screens.logs import LogsScreen
from vconsole.tui.widgets.log_view import LogView

LONG = Path("long.log")


async def open_logs(pilot: Pilot[None], lines: int = 0) -> LogView:
    await until_live(pilot)
    await pilot.press("6")
    await until(pilot, lambda: isinstance(pilot.app.screen, LogsScreen), "the logs came")
    view = pilot.app.screen.query_one(LogView)
    await until(pilot, lambda: view.count >= lines, "the file was indexed")
    return view


def write_lines(count: int, first: int = 0) -> None:
    with LONG.open("a", encoding="utf-8") as file:
        for number in range(first, first + count):
            level = "ERROR" if number % 100 == 50 else "WARNING" if number % 10 == 3 else "INFO"
            file.write(f"(EngineCore pid=7) {level} 11-23 14:00:00 [core.py:1] message {number}\n")


def replace_lines(count: int, first: int) -> None:
    LONG.unlink()
    write_lines(count, first)


def write_a_traceback(frames: int) -> None:
    told = [f'  File "a.py", line {number}, in f' for number in range(frames)]
    text = ["begun", "Traceback (most recent call last):", *told, "ValueError: bad", "went on\n"]
    LONG.write_text("\n".join(text), encoding="utf-8")


def rewrite(log: Path, was: str, wanted: str) -> None:
    log.write_text(log.read_text(encoding="utf-8").replace(was, wanted), encoding="utf-8")


def long_console(stage: Stage) -> ConsoleApp:
    write_lines(500)
    stage.supervise(sketches.ready(LONG))
    return stage.console()


async def test_it_follows_until_one_scrolls_up(stage: Stage) -> None:
    app = long_console(stage)
    async with app.run_test(size=(80, 24)) as pilot:
        view = await open_logs(pilot, 500)
        assert "message 499" in painted(app)
        write_lines(10, 500)
        await until(pilot, lambda: "message 509" in painted(app), "the new lines were shown")
        await pilot.press("up")
        write_lines(214, 510)
        await until(pilot, lambda: "214 new lines" in painted(app), "new lines were counted")
        assert "message 723" not in painted(app)
        await pilot.press("f")
        assert view.following
        assert "message 723" in painted(app)


async def test_filter_as_one_types_keep_and_clear(stage: Stage) -> None:
    app = long_console(stage)
    async with app.run_test(size=(80, 24)) as pilot:
        view = await open_logs(pilot, 500)
        await pilot.press("slash", *"e 12.$", "enter")
        await until(pilot, lambda: view.count == 10, "ten lines were found")
        assert "10 lines of 500" in painted(app)
        await pilot.press("slash", "escape")
        await until(pilot, lambda: view.count == 500, "all lines were back")
        await pilot.press("slash", "[")
        await until(pilot, lambda: view.count == 0, "a lone bracket was plain text")
        await until(pilot, lambda: "No line matches; / changes" in painted(app), "it says so")


async def test_a_server_that_never_ran_has_no_log_yet(stage: Stage) -> None:
    stage.supervise(sketches.ready(LONG))
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_logs(pilot)
        await until(pilot, lambda: "No log yet: the first start" in painted(app), "it says so")
        assert "line 1 of 0" not in painted(app)


async def test_v_cycles_the_level(stage: Stage) -> None:
    app = long_console(stage)
    async with app.run_test(size=(80, 24)) as pilot:
        view = await open_logs(pilot, 500)
        await pilot.press("v")
        assert view.count == 55
        assert "warnings and worse" in painted(app)
        await pilot.press("v")
        assert view.selection is not None
        assert (view.count, view.selection.level) == (5, LogLevel.ERROR)
        await pilot.press("v")
        assert view.count == 500


async def test_e_goes_from_error_to_error(stage: Stage) -> None:
    app = long_console(stage)
    async with app.run_test(size=(80, 24)) as pilot:
        view = await open_logs(pilot, 500)
        marked = []
        for _ in range(3):
            await pilot.press("e")
            marked.append(view.marked_number())
        assert marked == [50, 150, 250]


async def test_w_shows_the_whole_message(stage: Stage) -> None:
    stage.supervise(sketches.failed(Path("failed.log")))
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_logs(pilot, 9)
        assert "3 more lines" in painted(app)
        await pilot.press("w")
        assert "3.00 GiB KV cache" in painted(app)


async def test_y_copies_the_marked_line(stage: Stage) -> None:
    app = long_console(stage)
    async with app.run_test(size=(80, 24)) as pilot:
        await open_logs(pilot, 500)
        await pilot.press("up", "y")
        assert app.clipboard == "message 498"


async def test_home_pages_and_wheel_move(stage: Stage) -> None:
    app = long_console(stage)
    async with app.run_test(size=(80, 24)) as pilot:
        view = await open_logs(pilot, 500)
        await pilot.press("home")
        assert (view.cursor, view.top) == (0, 0)
        await pilot.press("pagedown")
        assert view.cursor == view.size.height - 1
        await pilot.press("right")
        assert "essage 0" not in painted(app)


async def test_a_log_that_begins_anew_is_read_anew(stage: Stage) -> None:
    app = long_console(stage)
    async with app.run_test(size=(80, 24)) as pilot:
        view = await open_logs(pilot, 500)
        replace_lines(3, 9000)
        await until(pilot, lambda: view.count == 3, "the new file was read")
        assert "message 9002" in painted(app)


async def test_a_traceback_is_a_row_until_w_opens_it(stage: Stage) -> None:
    write_a_traceback(300)
    stage.supervise(sketches.ready(LONG))
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        view = await open_logs(pilot, 4)
        assert (view.count, "300 more lines" in painted(app)) == (4, True)
        assert "line 304 of 304" in painted(app)
        await pilot.press("e")
        assert view.marked_number() == 1
        await pilot.press("down", "w")
        assert (view.count, view.marked_number()) == (304, 302)
        await pilot.press("w")
        assert (view.count, view.marked_number()) == (4, 302)


async def test_e_begins_at_the_line_that_says_why_it_failed(stage: Stage) -> None:
    """Not at an error before it that harmed nothing."""
    status = sketches.failed(Path("failed.log"))
    rewrite(Path("failed.log"), "WARNING", "ERROR")
    stage.supervise(status)
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        view = await open_logs(pilot, 9)
        assert view.file is not None
        assert view.file.first_error() == 2
        await pilot.press("e")
        assert view.marked_number() == 7


async def test_phases_stand_beside_the_lines_that_begin_them(stage: Stage) -> None:
    stage.supervise(sketches.failed(Path("failed.log")))
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_logs(pilot, 9)
        rows = [row for row in painted(app).splitlines() if "Available KV cache" in row]
        assert [row.rstrip()[-8:] for row in rows] == ["─ memory"]
