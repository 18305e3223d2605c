"""Promises from the scrape to the page: counted by minute, kept by profile, said with a reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from vconsole.cli.watching.level_lines import level_lines
from vconsole.engine.metrics.exposition import parse
from vconsole.errors import VConsoleError
from vconsole.models.profiles import Profile, load_profiles
from vconsole.monitoring.budget import Counted
from vconsole.settings import ServiceLevelSettings
from vconsole.supervisor.memory.history import History
from vconsole.supervisor.memory.storage.served import Pending
from vconsole.supervisor.memory.tally import Increase, LevelCount, counters_of, increase
from vconsole.supervisor.telling.levels import ERRORS, ITL, NAMES, TTFT, make_levels
from vconsole.supervisor.telling.promises import targets_of

RECORDED = (Path(__file__).parents[1] / "data" / "metrics-0.32.0.txt").read_text()
TARGETS = ServiceLevelSettings(ttft_p95_ms=1000.0, itl_p95_ms=100.0, error_ratio=0.01)
NOW_S = 1_800_000_000.0
NOTHING = {name: Counted() for name in NAMES}


def test_a_recorded_scrape_says_how_many_kept_each_target() -> None:
    scrape = parse(RECORDED)
    assert scrape.answers_by_status == {"2xx": 40.0}
    found = counters_of("life", scrape, TARGETS).levels
    assert set(found) == set(NAMES)
    assert found[ERRORS] == LevelCount(0.0, 40.0, 0.0)
    assert found[TTFT].total == 40.0
    assert 0 <= found[TTFT].bad <= 40.0
    assert counters_of("life", scrape).levels == {}


def test_between_two_readings_only_the_difference_counts() -> None:
    before = counters_of("a", parse(RECORDED), TARGETS)
    assert increase(before, before) == Increase()
    other = counters_of("a", parse(RECORDED), ServiceLevelSettings(ttft_p95_ms=1.0))
    assert TTFT not in increase(before, other).levels
    fresh = counters_of("b", parse(RECORDED), TARGETS)
    assert increase(before, fresh).levels[TTFT].total == 40.0
    assert increase(before, fresh, foreign=True).levels == {}


def test_minutes_add_up_to_a_window(tmp_path: Path) -> None:
    history = History(tmp_path / "history.sqlite")
    minute = int(NOW_S // 60)
    for ago, bad in ((0, 1.0), (3, 2.0), (50, 4.0)):
        more = Increase(levels={ERRORS: Counted(100.0, bad)})
        history.add((), Pending(increases=[("main", minute - ago, 1.0, more)] * 2))
    assert history.levels("main", NOW_S - 300, NOW_S)[ERRORS] == Counted(400.0, 6.0)
    assert history.levels("main", NOW_S - 3600, NOW_S)[ERRORS] == Counted(600.0, 14.0)
    assert history.levels("other", NOW_S - 3600, NOW_S) == NOTHING
    history.close()


def counted(total: float, bad: float) -> dict[str, Counted]:
    return NOTHING | {ERRORS: Counted(total, bad)}


def test_a_level_says_its_budget_its_pace_and_its_ground() -> None:
    errors = make_levels("main", TARGETS, lambda *_: counted(1000, 5), NOW_S)[2]
    assert errors.state == "kept"
    assert errors.budget_left == pytest.approx(0.5)
    assert errors.burn["1h"] == pytest.approx(0.5)
    assert "1,000 answers" in errors.rests_on
    assert "5 were a 5xx" in errors.rests_on


def test_a_budget_that_is_gone_is_spent_and_one_that_goes_fast_burns() -> None:
    gone = make_levels("main", TARGETS, lambda *_: counted(1000, 300), NOW_S)[2]
    assert (gone.state, gone.alarm) == ("spent", "fast")

    def lately(_: str, since_s: float, until_s: float) -> dict[str, Counted]:
        return counted(100, 20) if until_s - since_s <= 21_600 else counted(1_000_000, 20)

    burning = make_levels("main", TARGETS, lately, NOW_S)[2]
    assert (burning.state, burning.alarm) == ("burning", "fast")
    assert "at this pace" in "\n".join(level_lines([burning]))


def test_a_few_requests_ring_no_alarm() -> None:
    few = make_levels("main", TARGETS, lambda *_: counted(5, 5), NOW_S)[2]
    assert (few.state, few.alarm) == ("kept", None)
    assert "too few" in few.rests_on


def test_without_counts_or_target_it_is_unknown_and_says_why() -> None:
    ttft, itl, errors = make_levels("main", TARGETS, lambda *_: NOTHING, NOW_S)
    assert {ttft.budget_left, itl.budget_left, errors.budget_left} == {None}
    assert "counted no tokens" in itl.rests_on
    free = ServiceLevelSettings(ttft_p95_ms=0.0)
    assert "nothing is promised" in make_levels("main", free, lambda *_: NOTHING, NOW_S)[0].rests_on
    assert next(iter(level_lines([itl]))).endswith(itl.rests_on)


def test_a_profile_promises_for_itself(tmp_path: Path) -> None:
    file = tmp_path / "profiles.toml"
    file.write_text('[chat]\nmodel = "demo"\nservice_level = { ttft_p95_ms = 300 }\n')
    chat = load_profiles(file)["chat"]
    assert targets_of(TARGETS, chat) == ServiceLevelSettings(300.0, 100.0, 0.01)
    assert targets_of(TARGETS, None) == TARGETS
    assert targets_of(TARGETS, Profile("demo")) == TARGETS
    file.write_text('[chat]\nmodel = "demo"\nservice_level = { ttft = 300 }\n')
    with pytest.raises(VConsoleError, match=r"chat\.service_level.* has no ttft"):
        load_profiles(file)


def test_the_names_are_those_of_the_settings() -> None:
    assert {TTFT, ITL, ERRORS} == set(ServiceLevelSettings.__dataclass_fields__)
