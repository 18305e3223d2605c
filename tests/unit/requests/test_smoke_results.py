"""Results of smoke tests are kept on disk and compared with the last good one."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from vconsole import paths
from vconsole.requests.messages import SmokeCheck, SmokeReport
from vconsole.supervisor.memory import smoke_results

AT = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _state() -> None:
    paths.private_folder(paths.state_dir())


def report(chat_ms: float = 200, passed: bool = True, model: str = "m") -> SmokeReport:
    checks = (SmokeCheck("alive", True, 1, ""), SmokeCheck("chat", passed, chat_ms, ""))
    return SmokeReport(passed, checks, (chat_ms + 1) / 1000, AT, model, "0.32.0 cpu")


def test_the_first_has_nothing_to_compare_with_and_is_there_afterwards() -> None:
    kept = smoke_results.keep("main", report())
    assert kept == report()
    assert smoke_results.last("main") == kept
    assert smoke_results.last("other") is None
    assert smoke_results.results_path().stat().st_mode & 0o777 == 0o600


def test_slower_by_half_is_said_by_name() -> None:
    smoke_results.keep("main", report(200))
    kept = smoke_results.keep("second", report(400))
    assert kept.slower == ("chat", smoke_results.WHOLE)
    assert kept.before_seconds == pytest.approx(0.201)
    assert kept.checks[1].before_ms == 200


@pytest.mark.parametrize("after_ms", [290, 100, 200])
def test_less_than_half_is_not(after_ms: float) -> None:
    smoke_results.keep("main", report(200))
    assert smoke_results.keep("main", report(after_ms)).slower == ()


def test_a_few_milliseconds_are_noise() -> None:
    smoke_results.keep("main", report(10))
    assert smoke_results.keep("main", report(60)).slower == ()


def test_a_bad_run_is_the_last_but_nothing_to_compare_with() -> None:
    smoke_results.keep("main", report(200))
    bad = smoke_results.keep("main", report(5000, passed=False))
    assert bad.slower == ()
    assert smoke_results.last("main") == bad
    assert smoke_results.keep("main", report(400)).before_seconds == pytest.approx(0.201)


def test_another_model_or_engine_is_not_compared() -> None:
    smoke_results.keep("main", report(200))
    assert smoke_results.keep("main", report(900, model="n")).slower == ()
    newer = replace(report(900), engine="0.33.0 cpu")
    assert smoke_results.keep("main", newer).slower == ()


@pytest.mark.parametrize("ruin", [b"{", b"\xff", b"[]", b'{"last": 3}'])
def test_a_ruined_file_is_set_aside(ruin: bytes) -> None:
    path = smoke_results.results_path()
    path.write_bytes(ruin)
    assert smoke_results.last("main") is None
    assert smoke_results.keep("main", report()).passed
    assert path.with_name("smoke.json.corrupt-1").read_bytes() == ruin


def test_the_file_stays_small() -> None:
    for number in range(smoke_results.KEPT + 20):
        smoke_results.keep(f"s{number}", report(model=f"m{number}"))
    content = json.loads(smoke_results.results_path().read_bytes())
    assert len(content["last"]) == len(content["good"]) == smoke_results.KEPT
    assert f"s{smoke_results.KEPT + 19}" in content["last"]


def test_a_result_that_cannot_be_kept_is_still_a_result(caplog: pytest.LogCaptureFixture) -> None:
    smoke_results.results_path().mkdir()
    assert smoke_results.keep("main", report()) == report()
    assert "cannot be kept" in caplog.text
