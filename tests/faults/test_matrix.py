"""Every process of the tree and around it, by TERM, KILL and STOP, at each moment of a server.

After each case the same is looked at by the tests' own means: nothing of the server is left, or
exactly one whole tree; the state is true; the log is whole; where it should serve, it answers.
"""

from __future__ import annotations

import itertools
import signal
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import psutil
import pytest

from tests.faults import facts
from tests.faults.conftest import Row
from tests.faults.matrix import ENGINE, ORDINARY, SIGNALS, Case, Moment, Who, in_order, pairwise
from tests.faults.scene import LOAD_S, MODEL, STALL_BOUND_S, STOP_BOUND_S, Scene, Strike

HALTED_FOR_S = 6.0


def as_parameter(case: Case) -> Any:
    marks = [pytest.mark.engine]
    if case not in ORDINARY:
        marks.append(pytest.mark.fault_matrix)
    if case.who is Who.CONSOLE:
        marks.append(pytest.mark.terminal)
    return pytest.param(case, id=str(case), marks=marks)


def test_the_matrix_covers_every_pair() -> None:
    cases = pairwise()
    assert {(case.who, case.signal) for case in cases} == set(itertools.product(Who, SIGNALS))
    assert {(case.who, case.moment) for case in cases} == set(itertools.product(Who, Moment))
    pairs = {(case.signal, case.moment) for case in cases}
    assert pairs == set(itertools.product(SIGNALS, Moment))


@pytest.mark.parametrize("case", [as_parameter(case) for case in in_order()])
def test_fault(case: Case, scene: Scene, row: Row) -> None:
    row.title, row.expected = str(case), case.expected
    with scene.at(case.moment, console=case.who is Who.CONSOLE) as strike:
        before, struck_at = scene.server(), datetime.now(UTC)
        serving = case.moment in {Moment.IDLE, Moment.LOADED}
        marks = scene.mark(by_the_server=serving)
        seen = inflict(case, scene, strike)
        outcome, took_s = come_to_rest(case, scene)
        if outcome == "failed":
            assert strike.client.wait(timeout=30) == 1
    row.seen = "; ".join([*seen, f"{outcome} after {took_s:.1f} s"])
    check_what_is(outcome, scene)
    check_what_is_said(case, outcome, before, scene.server(), struck_at)
    marks += scene.mark(by_the_server=outcome == "ready")
    scene.log_is_whole(marks)


def inflict(case: Case, scene: Scene, strike: Strike) -> list[str]:
    """Send the signal; one that is halted goes on again after it was noticed, or after a while."""
    victim = strike.victim(case.who)
    victim.send_signal(case.signal)
    if case.signal is not signal.SIGSTOP:
        return []
    if case.halts_the_engine and case.moment is Moment.STOPPING:
        # A stop must not wait for somebody to wake what it ends.
        return []
    try:
        if case.halts_the_engine and case.moment is not Moment.STARTING:
            return [f"stalled after {scene.until('stalled', STALL_BOUND_S):.1f} s"]
        time.sleep(HALTED_FOR_S)
        return []
    finally:
        with suppress(psutil.NoSuchProcess):
            victim.resume()


def come_to_rest(case: Case, scene: Scene) -> tuple[str, float]:
    """Wait for the outcome and its seconds, with one more command where no supervisor is left."""
    if case.moment is Moment.STOPPING:
        begun_s = time.monotonic()
        scene.home.run("stop", timeout_s=STOP_BOUND_S)
        scene.until("stopped", STOP_BOUND_S)
        return "stopped", time.monotonic() - begun_s
    if case.who is Who.SUPERVISOR and case.signal is not signal.SIGSTOP:
        psutil.wait_procs(facts.supervisors(scene.home), timeout=10)
        scene.have_a_supervisor()
    backoff_s = 0.0
    if case.ends_the_engine and case.moment is not Moment.STARTING:
        backoff_s = scene.until("backoff", STOP_BOUND_S)
    took_s = backoff_s + scene.until_one_of(case.outcomes, LOAD_S)
    return scene.server()["state"], took_s


def check_what_is(outcome: str, scene: Scene) -> None:
    if outcome != "ready":
        facts.no_engine_is_left(scene.home, scene.port)
        return
    facts.one_whole_tree(scene.home)
    assert facts.answers(scene.url, MODEL)
    assert len(facts.supervisors(scene.home)) == 1


def check_what_is_said(
    case: Case,
    outcome: str,
    before: dict[str, Any],
    after: dict[str, Any],
    struck_at: datetime,
) -> None:
    assert after["state"] == outcome
    passed = [
        one["state"]
        for one in after["transitions"]
        if datetime.fromisoformat(one["at"]) > struck_at
    ]
    if outcome == "failed":
        assert after["last_failure"]["message"]
        assert after["last_failure"]["remedy"]
    if outcome != "ready":
        return
    if case.ends_the_engine and not case.asks_a_start_to_end:
        assert passed == ["backoff", "starting", "ready"]
        assert after["pid"] != before["pid"]
        assert after["restarts"] == before["restarts"] + 1
    else:
        assert after["pid"] == before["pid"]
        assert after["started_at"] == before["started_at"]
        assert after["restarts"] == before["restarts"]
    if case.who not in ENGINE and case.moment is not Moment.STARTING:
        assert passed == []
