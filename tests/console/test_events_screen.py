"""The events screen: what is kept, filtered as one types, and what comes while one looks."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from textual.pilot import Pilot

from tests.console import figures_of_the_sketches as sketches
from tests.console import happenings
from tests.console.conftest import Stage, painted, toasts, until, until_live
from vconsole.supervisor.telling.event import Event, Severity
from vconsole.tui.app import ConsoleApp
from vconsole.tui.events.selection import EventSelection
from vconsole.tui.widgets.event_list import EventList

GOOD = Path("good.log")


async def open_events(pilot: Pilot[None], count: int) -> EventList:
    await until_live(pilot)
    await pilot.press("e")
    await until(pilot, lambda: bool(pilot.app.screen.query(EventList)), "the screen came")
    events = pilot.app.screen.query_one(EventList)
    await until(pilot, lambda: events.asked and events.count == count, "the events came")
    return events


def console(stage: Stage, events: tuple[Event, ...] = happenings.EVENTS) -> ConsoleApp:
    stage.supervise(sketches.ready(GOOD))
    stage.peer.tell(*events)
    return stage.console()


def happened(number: int, text: str) -> Event:
    at = sketches.NOW + timedelta(seconds=number)
    return Event(number, at, "state", Severity.INFO, "main", text)


async def test_e_lists_what_is_kept_newest_last_and_esc_goes_back(stage: Stage) -> None:
    app = console(stage)
    async with app.run_test(size=(80, 24)) as pilot:
        await open_events(pilot, 14)
        rows = painted(app).splitlines()
        assert "14 events" in rows[1]
        shown = [row for row in rows if " 11-23 " in row]
        assert "supervisor started" in shown[0]
        assert "smoke test not passed" in shown[-1]
        await pilot.press("escape")
        await until(pilot, lambda: app.screen_name == "overview", "it went back")


async def test_what_comes_is_appended_and_followed(stage: Stage) -> None:
    app = console(stage)
    async with app.run_test(size=(80, 24)) as pilot:
        events = await open_events(pilot, 14)
        stage.peer.tell(happened(15, "stopping: asked for"))
        await until(pilot, lambda: "stopping: asked for" in painted(app), "it came")
        await pilot.press("up")
        stage.peer.tell(happened(16, "stopped"), happened(17, "starting"))
        await until(pilot, lambda: "2 new events" in painted(app), "they were counted")
        await pilot.press("f")
        assert events.following
        await pilot.press("escape", "e")
        stage.peer.tell(happened(18, "ready"))
        await until(pilot, lambda: events.count == 18, "the second visit goes on")


async def test_it_is_filtered_as_one_types_by_kind_and_text(stage: Stage) -> None:
    app = console(stage)
    async with app.run_test(size=(80, 24)) as pilot:
        events = await open_events(pilot, 14)
        await pilot.press("slash", *"ollama")
        await until(pilot, lambda: events.count == 2, "those of Ollama were left")
        await pilot.press("enter")
        assert "2 of 14 events" in painted(app)
        assert "/ollama" in painted(app)
        await pilot.press("escape")
        await until(pilot, lambda: events.count == 14, "all were back")
        await pilot.press("slash", *"nothing like it")
        await until(pilot, lambda: "None of 14 events matches." in painted(app), "none")
        await pilot.press("escape")
        await until(pilot, lambda: events.count == 14, "all were back")
        assert app.screen_name == "events"


async def test_v_goes_through_the_severities(stage: Stage) -> None:
    app = console(stage)
    async with app.run_test(size=(80, 24)) as pilot:
        events = await open_events(pilot, 14)
        counts = []
        for _ in range(3):
            await pilot.press("v")
            counts.append(events.count)
        assert counts == [5, 2, 14]


async def test_the_marked_one_is_told_in_full_and_copied(stage: Stage) -> None:
    app = console(stage)
    async with app.run_test(size=(80, 24)) as pilot:
        events = await open_events(pilot, 14)
        await pilot.press(*["up"] * 6)
        assert events.marked == happenings.EVENTS[7]
        assert "301.25 MiB is free" in painted(app)
        await pilot.press("y")
        assert app.clipboard.startswith("2026-11-23T")
        assert "error crash main backoff: EngineCore died" in app.clipboard
        assert "copied.txt" in toasts(app)[0]


async def test_nothing_has_happened_is_said_in_words(stage: Stage) -> None:
    app = console(stage, ())
    async with app.run_test(size=(80, 24)) as pilot:
        await open_events(pilot, 0)
        assert "Nothing has happened yet." in painted(app)


async def test_twenty_thousand_events_are_drawn_by_the_screenful(stage: Stage) -> None:
    app = console(stage, tuple(happened(number, f"event {number}") for number in range(1, 20_001)))
    async with app.run_test(size=(80, 24)) as pilot:
        events = await open_events(pilot, 20_000)
        assert "event 20000" in painted(app)
        await pilot.press("home")
        assert "event 1 " in painted(app) + " "
        assert len(events._painted) == events.size.height
        await pilot.press("slash", *"19999")
        await until(pilot, lambda: events.count == 1, "one was left")


def test_words_of_a_filter_look_where_they_are_told_to() -> None:
    def numbers(text: str, least: Severity = Severity.INFO) -> list[int]:
        return [event.id for event in EventSelection(least, text).of(happenings.EVENTS)]

    assert numbers("kind:smoke") == [4, 14]
    assert numbers("server:spare") == [14]
    assert numbers("engine memory") == [8]
    assert numbers("ERROR") == [8, 14]
    assert numbers("main", Severity.WARNING) == [6, 8]
