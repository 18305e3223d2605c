"""Each hint with a case where it must speak, and one where it must not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.console import figures_of_the_sketches as sketches
from vconsole.engine.metrics.figures import Metrics
from vconsole.errors import VConsoleError
from vconsole.supervisor.advice import RULES
from vconsole.supervisor.advice.rule import Rule
from vconsole.supervisor.model import ServerState, Status
from vconsole.tui.actions import BY_ID
from vconsole.tui.advice.acting import UNLOAD
from vconsole.tui.advice.hint import ELSEWHERE, advise
from vconsole.tui.view import Link, View
from vconsole.tui.widgets.advice_line import in_room

LOG = Path("x.log")


def at(status: Status | None, link: Link = Link.LIVE) -> str:
    error = VConsoleError("gone") if link is Link.LOST else None
    view = View(sketches.NOW, link=link, status=status, heard_at=sketches.NOW, link_error=error)
    return " ".join(advise(view))


def measured(**figures: float) -> Status:
    status = sketches.ready(LOG)
    return replace(status, metrics=replace(status.metrics or Metrics(), **figures))  # type: ignore[arg-type]


def in_state(state: ServerState) -> Status:
    status = sketches.ready(LOG)
    return replace(status, server=replace(status.server, state=state))


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (sketches.ready(LOG), "Room to spare: 28 run, none waits, KV 54 %"),
        (measured(requests_running=0), "Idle and ready. Press 3"),
        (measured(requests_waiting=4), "4 wait while 28 run"),
        (
            measured(requests_waiting=4, kv_cache_usage=0.97),
            "KV cache is 97 % full: 4 wait for room",
        ),
        (measured(sample_age_s=12), "not told its figures for 12 s"),
        (in_state(ServerState.STALLED), "no token comes"),
        (in_state(ServerState.STOPPING), "Stopping"),
        (sketches.starting(LOG), "S to give up the start"),
        (sketches.stopped(LOG), "Press s to start mistral-7b-instruct"),
        (sketches.failed(LOG), "Press r to start again, l to see line 8"),
        (sketches.bare(), "bring a vLLM"),
    ],
)
def test_a_hint_speaks_where_it_must(status: Status, words: str) -> None:
    assert words in at(status)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (measured(kv_cache_usage=0.8), "Room to spare"),
        (measured(requests_waiting=4), "KV cache is"),
        (measured(requests_waiting=0), "wait while"),
        (measured(sample_age_s=2), "not told"),
        (sketches.ready(LOG), "Idle"),
    ],
)
def test_a_hint_is_silent_where_it_must_be(status: Status, words: str) -> None:
    assert words not in at(status)


def test_a_lost_link_comes_before_everything() -> None:
    assert "Press c" in at(sketches.ready(LOG), Link.LOST)
    assert "Press c" in at(None, Link.LOST)
    assert "asking the supervisor" in at(None, Link.CONNECTING)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_key_acts_on_what_a_rule_says(rule: Rule) -> None:
    """A key of its own, flags to start again with, or a question that leads to the deed."""
    action = ELSEWHERE.get(rule.action or "", rule.action)
    assert rule.flags or action == UNLOAD or BY_ID[action or ""].keys


def test_a_hint_without_a_remedy_has_its_key_beside_it() -> None:
    assert "Send more at once. Press 4 to see Batch." in at(sketches.ready(LOG))
    assert "4 wait while 28 run. Press 4 to see Batch." in at(measured(requests_waiting=4))


@pytest.mark.parametrize(
    ("room", "shown"),
    [
        (60, "Ollama holds 1 GiB. Unloaded, it leaves that. Press x to go."),
        (59, "Ollama holds 1 GiB. Press x to go."),
        (30, "Ollama holds 1… Press x to go."),
    ],
)
def test_the_key_of_a_hint_stays_where_the_row_is_short(room: int, shown: str) -> None:
    sentence = "Ollama holds 1 GiB. Unloaded, it leaves that. Press x to go."
    assert in_room(sentence, room, "…") == shown
    assert in_room("No key is told here, so it is cut at its end.", room, "…").startswith("No key")
