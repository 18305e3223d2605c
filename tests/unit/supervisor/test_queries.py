"""The questions in URLs: whatever they say, an answer or a usage error."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDict

from vconsole.errors import ExitCode, VConsoleError
from vconsole.supervisor.memory.storage import events
from vconsole.supervisor.queries import EventLogQuery, HistoryQuery, ReportQuery

WORDS = st.text() | st.floats().map(str) | st.integers().map(str) | st.sampled_from(["main", "log"])
NAMES = st.sampled_from(
    ["seconds", "points", "since", "kind", "server", "after_id", "limit", "wait_s"]
)
QUERIES = st.lists(st.tuples(NAMES, WORDS), max_size=6)


@given(QUERIES)
def test_any_question_is_answered_or_refused(pairs: list[tuple[str, str]]) -> None:
    query = MultiDict(pairs)
    try:
        HistoryQuery.of(query)
        ReportQuery.of(query)
        asked = EventLogQuery.of(query)
    except VConsoleError as error:
        refused = error.exit_code
    else:
        assert asked.wait_s <= 10
        connection = sqlite3.connect(":memory:")
        connection.executescript(events.SCHEMA)
        assert events.find(connection, asked.events) == ()
        connection.close()
        return
    assert refused is ExitCode.USAGE


@pytest.mark.parametrize(
    ("name", "word"),
    [("points", "0"), ("points", "many"), ("seconds", "nan"), ("kind", "nope"), ("since", "2h")],
)
def test_what_makes_no_sense_is_refused_in_words(name: str, word: str) -> None:
    query = MultiDict([(name, word)])
    with pytest.raises(VConsoleError) as raised:
        (HistoryQuery if name in {"points", "seconds"} else EventLogQuery).of(query)
    assert name in raised.value.message
