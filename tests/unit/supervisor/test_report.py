"""The report and its advice, against hand-worked numbers; each rule speaks and keeps silent."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vconsole.cli.watching.report import report_lines
from vconsole.cli.watching.since import parse_since
from vconsole.errors import ExitCode, VConsoleError
from vconsole.settings import PriceSettings
from vconsole.supervisor.advice.afterwards import advise
from vconsole.supervisor.memory.storage.served import Totals
from vconsole.supervisor.telling.costs import spent
from vconsole.supervisor.telling.event import Event, EventKind, Severity
from vconsole.supervisor.telling.report import make_report
from vconsole.supervisor.telling.report_model import Report

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
FREE = PriceSettings()


def event(kind: str, severity: Severity = Severity.INFO, **data: Any) -> Event:
    return Event(1, NOW, kind, severity, "main", f"{kind} told", data)


def crash(state: str = "backoff", cause: str = "gpu_oom") -> Event:
    facts = {"state": state, "failure": cause, "message": "out of memory", "remedy": "use less"}
    return event("crash", Severity.ERROR, **facts)


def made(*events: Event, totals: Totals | None = None, prices: PriceSettings = FREE) -> Report:
    since = datetime.now(UTC) - timedelta(hours=24)
    found = totals or Totals()
    return make_report(lambda _: events, lambda *_: found, since, None, prices)


def test_it_says_what_was_served_restarted_and_failed() -> None:
    totals = Totals(7200.0, 1000.4, 500.0, 3.0, {"stop": 40.0, "length": 2.0}, 250.0)
    page = made(
        crash(),
        event("restart", why="it ended while serving"),
        event("throttle", Severity.WARNING),
        event("state"),
        totals=totals,
        prices=PriceSettings(kwh=0.4, hardware_per_hour=1.5, currency="EUR"),
    )
    assert (page.served.requests, page.served.finished) == (42, {"stop": 40, "length": 2})
    assert (page.served.prompt_tokens, page.served.generation_tokens) == (1000, 500)
    assert [one.why for one in page.restarts] == ["it ended while serving"]
    failure = page.failures[0]
    assert (failure.cause, failure.remedy, failure.state) == ("gpu_oom", "use less", "backoff")
    assert [one.kind for one in page.notable] == ["throttle"]
    # 0.25 kWh at 0.40, and two hours at 1.50.
    assert page.cost == pytest.approx(3.10)
    assert (page.energy_wh, page.currency, page.jobs) == (250.0, "EUR", ())
    text = "\n".join(report_lines(page))
    for words in ("42 requests (2 length, 40 stop)", "out of memory (gpu_oom)", "3.10 EUR"):
        assert words in text


def test_what_is_unknown_is_null_and_an_idle_night_is_well() -> None:
    page = made()
    data = msgspec.json.decode(msgspec.json.encode(page))
    promised = {"served", "restarts", "failures", "jobs", "energy_wh", "cost", "advice"}
    assert promised <= set(data)
    assert (data["energy_wh"], data["cost"], data["jobs"]) == (None, None, [])
    assert "nothing went wrong" in report_lines(page)[-1]


@pytest.mark.parametrize(
    ("prices", "totals", "expected"),
    [
        (FREE, Totals(3600.0, energy_wh=1000.0), None),
        (PriceSettings(kwh=0.3), Totals(energy_wh=2000.0), 0.6),
        (PriceSettings(kwh=0.3), Totals(3600.0), None),
        (PriceSettings(hardware_per_hour=2.0), Totals(1800.0), 1.0),
    ],
)
def test_cost_is_what_is_known(
    prices: PriceSettings, totals: Totals, expected: float | None
) -> None:
    assert spent(totals, prices).amount == (None if expected is None else pytest.approx(expected))


SPEAKS = {
    "main is failed: use less": (
        [crash("failed")],
        [crash("failed"), event("state", state="ready")],
    ),
    "main is stalled": ([event("state", state="stalled")], [event("state", state="ready")]),
    "ended 3 times by the same": ([crash()] * 3, [crash(), crash(), crash(cause="other")]),
    "free some space": (
        [event("record", Severity.ERROR)],
        [event("record", Severity.ERROR), event("record")],
    ),
    "vconsole smoke --name main": (
        [event("smoke", passed=False)],
        [event("smoke", passed=False), event("smoke", passed=True)],
    ),
    "whether it is still there": (
        [event("supervisor", what="started"), event("stray", begins=True, pid=7)],
        [event("stray", begins=True, pid=7), event("stray", begins=False, pid=7)],
    ),
    "stray told": (
        [event("stray", begins=True, pid=7), event("stray", begins=False, pid=8)],
        [event("stray", begins=True, pid=7), event("supervisor", what="started")],
    ),
    "ollama stop llama3": (
        [event("ollama", begins=True, models="llama3, qwen")],
        [event("ollama", begins=True, models="llama3"), event("ollama", begins=False)],
    ),
    "nvidia-smi -i 1": (
        [event("throttle", begins=True, gpu=1, reason="thermal")],
        [event("throttle", begins=True, gpu=1, reason="power cap")],
    ),
    "the KV cache is too small": (
        [event("preemptions", begins=True)],
        [event("preemptions", begins=False)],
    ),
}


@pytest.mark.parametrize("words", SPEAKS)
def test_each_rule_speaks_where_it_must_and_only_there(words: str) -> None:
    bad, good = SPEAKS[words]
    assert any(words in line for line in advise(bad, Totals()))
    assert not any(words in line for line in advise(good, Totals()))


def test_requests_that_ended_in_errors_are_pointed_at() -> None:
    assert "3 requests" in advise([], Totals(finished={"error": 3.0, "stop": 9.0}))[0]
    assert advise([], Totals(finished={"stop": 9.0})) == ()


FACTS = st.dictionaries(
    st.sampled_from(
        ["state", "failure", "message", "remedy", "begins", "pid", "gpu", "models", "passed"]
    ),
    st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.sampled_from(["failed"]),
)
EVENTS = st.builds(
    Event,
    st.integers(1, 99),
    st.just(NOW),
    st.sampled_from(list(EventKind)) | st.text(max_size=5),
    st.sampled_from(list(Severity)),
    st.none() | st.text(max_size=5),
    st.text(max_size=20),
    FACTS,
)


@given(st.lists(EVENTS, max_size=12))
def test_no_events_break_the_report(events: list[Event]) -> None:
    page = made(*events)
    assert report_lines(page)
    assert msgspec.json.decode(msgspec.json.encode(page), type=Report) == page


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2h", NOW - timedelta(hours=2)),
        ("90 m", NOW - timedelta(minutes=90)),
        ("1.5D", NOW - timedelta(hours=36)),
        ("1w", NOW - timedelta(days=7)),
        ("2026-11-22T08:00:00Z", datetime(2026, 11, 22, 8, tzinfo=UTC)),
        ("2026-11-22T08:00:00+02:00", datetime(2026, 11, 22, 6, tzinfo=UTC)),
        ("2026-11-22", datetime(2026, 11, 22).astimezone(UTC)),
    ],
)
def test_since_takes_ages_dates_and_instants(text: str, expected: datetime) -> None:
    assert parse_since(text, NOW) == expected


@pytest.mark.parametrize("text", ["", "h", "-2h", "2 years", "2026-13-01", "9999-01-01", "9" * 400])
def test_since_refuses_the_rest_with_examples(text: str) -> None:
    with pytest.raises(VConsoleError) as raised:
        parse_since(text, NOW)
    assert raised.value.exit_code is ExitCode.USAGE
    assert "2h" in str(raised.value.remedy)


@given(st.text() | st.from_regex(r"\d+(\.\d+)?[smhdw]", fullmatch=True))
def test_since_never_raises_anything_else(text: str) -> None:
    with suppress(VConsoleError):
        assert parse_since(text, NOW) <= NOW
