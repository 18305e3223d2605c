"""What the supervisor concludes of Ollama: by whom it went, that it is back, what it is given."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.ollama_stand_in import ollama_stand_in
from vconsole.errors import VConsoleError
from vconsole.host.ollama.api import LoadedModel
from vconsole.host.readings import GpuReading
from vconsole.host.units import Scope
from vconsole.supervisor.memory.history import History
from vconsole.supervisor.ollama import book
from vconsole.supervisor.ollama.desk import Desk
from vconsole.supervisor.ollama.model import Rung, Taken
from vconsole.supervisor.ollama.steps import Steps
from vconsole.supervisor.telling.event import EventQuery
from vconsole.supervisor.telling.event_log import EventLog

NOW = datetime.now(UTC)
STOPPED = Taken(NOW, Rung.STOP, unit="ollama.service", scope=Scope.SYSTEM, was_active=True)


@pytest.fixture
async def events(tmp_path: Path) -> AsyncIterator[EventLog]:
    history = History(tmp_path / "h.sqlite")
    log = EventLog(history, lambda: None)
    yield log
    await log.close()
    history.close()


async def told(events: EventLog) -> list[str]:
    return [event.text for event in await events.find(EventQuery())]


async def test_a_refused_step_that_was_run_by_hand_is_noticed(events: EventLog) -> None:
    desk = Desk(events, GpuReading)
    book.write(replace(STOPPED, waits=True))
    desk.notice(True, 1)
    away = [desk.sent_away]
    assert await told(events) == []
    desk.notice(False, 2)
    assert [*away, desk.sent_away] == [False, True]
    assert await told(events) == ["Ollama: stop was carried out by an administrator"]
    desk.notice(True, 3)
    desk.notice(True, 4)
    assert len(await told(events)) == 2
    assert "Ollama is back, though it was sent away" in (await told(events))[-1]


async def test_one_that_came_back_while_no_supervisor_ran_is_told(events: EventLog) -> None:
    book.write(STOPPED)
    Desk(events, GpuReading).notice(True, 1)
    assert "Ollama is back" in (await told(events))[0]


async def test_what_was_only_unloaded_is_not_away(events: EventLog) -> None:
    desk = Desk(events, GpuReading)
    book.write(Taken(NOW, Rung.UNLOAD, ("llama3:8b",)))
    desk.notice(False, 1)
    desk.notice(True, 2)
    assert not desk.sent_away
    assert desk.gave_way
    assert await told(events) == []


async def test_models_are_given_back_for_as_long_as_they_were_to_stay(
    events: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(events, GpuReading)
    with ollama_stand_in(llama3_8b=1 << 30) as peer:
        monkeypatch.setenv("OLLAMA_HOST", peer.url)
        unloaded = await desk.climb(Rung.UNLOAD, None)
        assert (unloaded.models, unloaded.running) == ((), True)
        # A look that began before the verb ended says nothing of what is now.
        desk.notice(False, time.monotonic() - 60)
        restored = await desk.restore()
        assert [one.name for one in restored.models] == ["llama3:8b"]
        asked = [body for path, body in peer.asked if path == "/api/generate"]
        assert asked[-1] == {"model": "llama3:8b", "keep_alive": -1}
    assert restored.taken is None


@pytest.mark.parametrize(
    ("expires", "seconds"),
    [
        ((NOW + timedelta(seconds=300)).isoformat(), 300),
        ((NOW - timedelta(seconds=5)).isoformat(), 60),
        ("2318-01-01T00:00:00Z", -1),
        ("2318-01-01T00:00:00.123456789+02:00", -1),
        ("soon", None),
        (None, None),
    ],
    # Without the time in their names, which two workers would not agree on.
    ids=["in five minutes", "over", "forever", "forever to the nanosecond", "a word", "unsaid"],
)
def test_how_long_a_model_was_to_stay(expires: str | None, seconds: int | None) -> None:
    assert LoadedModel("m", expires_at=expires).keep_alive_s(NOW) == seconds


async def test_after_a_refusal_one_command_does_all_that_is_left() -> None:
    async def refuse() -> None:
        raise VConsoleError("no", "sudo first", kind="not_permitted")

    async def never() -> None:
        raise AssertionError("nothing is tried after a refusal")

    steps = Steps()
    await steps.take("first", refuse, by_hand="sudo a")
    await steps.take("second", never, by_hand="sudo b")
    await steps.take("third", never)
    assert [(step.name, step.ok, step.detail) for step in steps.done] == [
        ("first", False, "sudo a && sudo b")
    ]


def test_a_refusal_after_something_was_taken_leaves_that_to_be_given_back() -> None:
    book.write(Taken(NOW, Rung.UNLOAD, ("llama3:8b",)))
    before = book.read()
    book.write(replace(STOPPED, waits=True))
    book.refused(before)
    found = book.read()
    assert found is not None
    assert (found.rung, found.waits, found.models) == (Rung.UNLOAD, False, ("llama3:8b",))
