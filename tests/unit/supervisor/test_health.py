"""Health judged on invented days of a server, a second at a time."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from vconsole.supervisor.servers.health import HealthJudge, Judgement, Observation, Verdict
from vconsole.supervisor.servers.life import METRICS_PATIENCE_S

Day = Callable[[int], Observation]


def days_end(day: Day, seconds: int) -> Judgement:
    judge = HealthJudge()
    judged = [judge.observe(day(second)) for second in range(seconds)]
    return judged[-1]


def first_not_healthy(day: Day, seconds: int) -> int | None:
    judge = HealthJudge()
    for second in range(seconds):
        if judge.observe(day(second)).verdict is not Verdict.HEALTHY:
            return second
    return None


def test_an_idle_server_is_healthy_for_ever() -> None:
    assert first_not_healthy(lambda s: Observation(s, progress=7.0), 4000) is None


def test_a_server_that_makes_tokens_is_healthy() -> None:
    assert first_not_healthy(lambda s: Observation(s, progress=s * 10.0, in_hand=4), 600) is None


def test_a_long_prefill_burns_time_and_is_no_stall() -> None:
    day = lambda s: Observation(s, progress=5.0, in_hand=1, cpu_s=float(s))  # noqa: E731
    assert first_not_healthy(day, 200) is None


def test_a_halted_engine_is_stalled_within_fifteen_seconds() -> None:
    def day(second: int) -> Observation:
        halted = ("EngineCore",) if second >= 20 else ()
        return Observation(second, progress=5.0, stopped=halted)

    found = first_not_healthy(day, 60)
    assert found is not None
    assert found <= 35
    assert days_end(day, 60).verdict is Verdict.STALLED


def test_a_lost_engine_is_broken_within_fifteen_seconds() -> None:
    def day(second: int) -> Observation:
        return Observation(second, progress=5.0, lost=("EngineCore",) if second >= 20 else ())

    assert (first_not_healthy(day, 60) or 99) <= 35
    assert days_end(day, 60).verdict is Verdict.BROKEN


def test_silence_is_a_stall_and_an_answer_ends_it() -> None:
    def day(second: int) -> Observation:
        return Observation(second, progress=None if 20 <= second < 50 else 5.0)

    assert (first_not_healthy(day, 60) or 99) <= 35
    assert days_end(day, 60).verdict is Verdict.HEALTHY


def test_a_halted_api_server_is_stalled_though_each_beat_waits_for_it() -> None:
    judge, beat_s = HealthJudge(), METRICS_PATIENCE_S + 0.1
    at_s, verdict = 0.0, Verdict.HEALTHY
    while verdict is Verdict.HEALTHY:
        at_s += beat_s
        assert at_s < 15
        halted = ("the API server (pid 1)",)
        verdict = judge.observe(Observation(at_s, None, stopped=halted)).verdict
    assert verdict is Verdict.STALLED


def test_work_in_hand_that_nobody_does_is_a_stall() -> None:
    day = lambda s: Observation(s, progress=5.0, in_hand=1 if s > 20 else 0, cpu_s=1.0)  # noqa: E731
    assert (first_not_healthy(day, 60) or 99) <= 35


def test_after_a_gap_and_after_a_stall_it_is_in_doubt() -> None:
    judge = HealthJudge()
    for second in range(10):
        judge.observe(Observation(second, progress=5.0))
    assert bool(judge.in_doubt) is False
    judge.observe(Observation(3600, progress=5.0))
    assert bool(judge.in_doubt) is True
    judge.in_doubt = False
    for second in range(3601, 3620):
        judge.observe(Observation(second, progress=None))
    assert bool(judge.in_doubt) is True


def test_a_suspended_machine_is_no_stall() -> None:
    def day(second: int) -> Observation:
        awake = second if second < 20 else second + 3600
        return Observation(awake, progress=5.0, in_hand=1, cpu_s=1.0 + awake / 10)

    assert first_not_healthy(day, 25) is None


@given(
    st.lists(
        st.tuples(
            st.floats(0, 100),
            st.none() | st.floats(0, 1e6),
            st.floats(0, 9),
            st.floats(0, 1e5),
            st.booleans(),
            st.booleans(),
        ),
        max_size=60,
    )
)
def test_whatever_is_seen_is_judged(
    seen: list[tuple[float, float | None, float, float, bool, bool]],
) -> None:
    judge, at_s = HealthJudge(), 0.0
    for step_s, progress, in_hand, cpu_s, lost, stopped in seen:
        at_s += step_s
        halted, gone = ("Worker",) * stopped, ("EngineCore",) * lost
        verdict = judge.observe(Observation(at_s, progress, in_hand, cpu_s, gone, halted)).verdict
        assert verdict in Verdict
        if step_s > 5:
            assert verdict is Verdict.HEALTHY
