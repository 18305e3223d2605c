"""What a beat shows, told once: throttling, tenants, storms; and what blinks, not told at all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vconsole.host.readings import ForeignServer, Gpu, GpuReading, StrayProcess
from vconsole.supervisor.memory.history import History
from vconsole.supervisor.model import OllamaStatus
from vconsole.supervisor.telling.event import Event, EventQuery, Severity
from vconsole.supervisor.telling.event_log import EventLog
from vconsole.supervisor.telling.notices import Notices
from vconsole.supervisor.telling.presence import Presence

Told = tuple[Notices, EventLog]


@pytest.fixture
async def told(tmp_path: Path) -> AsyncIterator[Told]:
    history = History(tmp_path / "h.sqlite")
    events = EventLog(history, lambda: None)
    yield Notices(events), events
    await events.close()
    history.close()


async def of(events: EventLog) -> tuple[Event, ...]:
    return await events.find(EventQuery())


def card(*throttle: str) -> GpuReading:
    return GpuReading((Gpu(0, temperature_c=91, power_w=318.4, throttle=throttle),))


async def test_throttling_that_lasts_is_told_at_its_begin_and_its_end(told: Told) -> None:
    notices, events = told
    for second in range(10):
        notices.cards(second, card("thermal"))
    for second in range(10, 90):
        notices.cards(second, card())
    begin, end = await of(events)
    assert begin.text == "GPU 0 is slowed down (thermal) at 91 °C, 318 W"
    assert (begin.kind, begin.severity) == ("throttle", Severity.WARNING)
    assert begin.data == {"gpu": 0, "reason": "thermal", "begins": True}
    assert end.data["begins"] is False


async def test_a_power_cap_that_flickers_is_one_event_and_a_blink_none(told: Told) -> None:
    notices, events = told
    notices.cards(0, card("power cap"))
    notices.cards(1, card())
    assert await of(events) == ()
    for second in range(2, 600):
        notices.cards(second, card(*(["power cap"] if second % 40 < 20 else [])))
    assert [one.severity for one in await of(events)] == [Severity.INFO]


async def test_a_card_that_is_lost_is_told_and_a_host_without_one_is_not(told: Told) -> None:
    notices, events = told
    notices.cards(0, GpuReading(note="no NVIDIA driver on this host"))
    notices.cards(1, GpuReading(note="no NVIDIA driver on this host"))
    assert await of(events) == ()
    notices.cards(2, card())
    notices.cards(3, GpuReading(note="a GPU is lost: it has fallen off the bus"))
    texts = [(one.text, one.severity) for one in await of(events)]
    assert texts == [
        ("the cards can be read again", Severity.INFO),
        ("a GPU is lost: it has fallen off the bus", Severity.ERROR),
    ]


async def test_foreign_servers_and_strays_come_and_go(told: Told) -> None:
    notices, events = told
    theirs = ForeignServer(77, "alice", 8001, "m", start_ticks=5)
    notices.foreign(0, [theirs], frozenset())
    notices.foreign(1, [theirs], frozenset())
    notices.foreign(20, [], frozenset())
    stray = StrayProcess(99, "bob", "VLLM::EngineCore")
    notices.strays(30, [stray, StrayProcess(5, "bob", "being stopped")])
    for second in (40, 50):
        notices.strays(second, [stray])
    notices.strays(60, [])
    assert [(one.kind, one.data["begins"], one.data["pid"]) for one in await of(events)] == [
        *(("foreign", True, 77), ("foreign", False, 77)),
        *(("stray", True, 99), ("stray", False, 99)),
    ]


async def test_a_server_that_was_adopted_has_not_left(told: Told) -> None:
    notices, events = told
    notices.foreign(0, [ForeignServer(77, "alice", 8001, "m")], frozenset())
    notices.foreign(20, [], frozenset({77}))
    assert len(await of(events)) == 1


async def test_ollama_is_told_when_it_holds_memory_of_the_card(told: Told) -> None:
    notices, events = told
    notices.ollama(0, OllamaStatus(running=True, gpu_bytes=0, models=()))
    for second in (1, 2):
        notices.ollama(second, OllamaStatus(True, 5 * 2**30, ("llama3",)))
    notices.ollama(3, OllamaStatus(True, 7 * 2**30, ("llama3", "qwen")))
    notices.ollama(4, OllamaStatus(running=False))
    assert [one.text for one in await of(events)] == [
        "Ollama holds 5.0 GiB of the card: llama3",
        "Ollama holds 7.0 GiB of the card: llama3, qwen",
        "Ollama let go of the card",
    ]


async def test_a_storm_of_preemptions_is_told_and_a_few_are_not(told: Told) -> None:
    notices, events = told
    for second in range(300):
        notices.preemptions(second, {"main": second / 10})
    assert await of(events) == ()
    for second in range(300, 330):
        notices.preemptions(second, {"main": 30 + (second - 300) * 2})
    for second in range(330, 500):
        notices.preemptions(second, {"main": 90.0})
    notices.preemptions(501, {"main": 0.0})
    begin, end = await of(events)
    assert (begin.kind, begin.server, begin.severity) == ("preemptions", "main", Severity.WARNING)
    assert begin.text.startswith("21 preemptions within a minute")
    assert end.data["begins"] is False


SEEN = st.lists(
    st.tuples(st.floats(0, 20), st.dictionaries(st.integers(0, 3), st.none(), max_size=3)),
    max_size=40,
)


@given(SEEN, st.floats(0, 30), st.floats(0, 30))
def test_what_is_present_appeared_once_and_left_once(
    steps: list[tuple[float, dict[int, None]]], begin_s: float, end_s: float
) -> None:
    presence: Presence[int, None] = Presence(begin_s, end_s)
    now_s, there = 0.0, set[int]()
    for step_s, seen in steps:
        now_s += step_s
        appeared, left = presence.observe(now_s, seen)
        assert not there & set(appeared)
        assert set(left) <= there
        assert not set(left) & set(seen)
        there = (there | set(appeared)) - set(left)
        assert presence.there == there
