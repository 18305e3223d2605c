"""The search on a made-up machine: it finds what was planted, and goes on where it was."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.measurements import measured, series
from vconsole.engine.command.command_line import flag
from vconsole.engine.options.option import EngineOption, EngineOptions
from vconsole.errors import ExitCode, VConsoleError
from vconsole.models.fit.plan import Card
from vconsole.requests.bench.model import Load, Measured
from vconsole.supervisor.tuning.front import BEHIND, FRONT, placed, plot
from vconsole.supervisor.tuning.ground import Ground
from vconsole.supervisor.tuning.journal import FILES, Header, Journal, Subject, refuse_other
from vconsole.supervisor.tuning.judging import judged, keeps_level, wilson
from vconsole.supervisor.tuning.knobs import (
    EAGER,
    KV_DTYPE,
    PREFIX,
    SEQS,
    SPECULATIVE,
    TOKENS,
    knobs,
)
from vconsole.supervisor.tuning.model import Setting, Standing, Trial
from vconsole.supervisor.tuning.search import search
from vconsole.supervisor.tuning.tuner import Hands, UnfitError, carry_out

SWITCH = {"kind": "switch"}
OPTIONS = EngineOptions(
    "0.32.0",
    (
        EngineOption((SEQS,), "int"),
        EngineOption((TOKENS,)),
        EngineOption((PREFIX, "--no-enable-prefix-caching"), "switch"),
        EngineOption((KV_DTYPE,), choices=("auto", "fp8")),
        EngineOption((EAGER, "--no-enforce-eager"), "switch"),
        EngineOption((SPECULATIVE, "-sc")),
    ),
)
ADA = Card("RTX 4080", 16 << 30, 15 << 30, capability=(8, 9))
CPU = Card("CPU", 24 << 30, 20 << 30, is_cpu=True)


def ground(
    *flags: str,
    concurrency: int = 16,
    prompt_tokens: float = 500,
    card: Card = ADA,
    planned: tuple[str, ...] = (),
) -> Ground:
    return Ground(flags, (*flags, *planned), OPTIONS, concurrency, prompt_tokens, card)


class Machine:
    """A machine whose throughput follows from the flags; it says what was asked of it."""

    def __init__(self, speed: Callable[[tuple[str, ...]], float]) -> None:
        self.speed, self.tried = speed, list[tuple[str, ...]]()
        self.now: tuple[str, ...] = ()
        self.repeats = 0
        self.ends_after: int | None = None

    def bring_up(self, setting: Setting) -> tuple[str, ...]:
        self.tried.append(setting.flags)
        if "--kv-cache-dtype" in setting.flags and "fp8" in setting.flags:
            raise VConsoleError("no kernel for it", "leave it", kind="no_kernel")
        if flag(setting.flags, TOKENS) == "16384":
            raise UnfitError("too big", kind="too_big")
        self.now = setting.flags
        return (*setting.flags, "--planned")

    def measure(self, repeat: int) -> Measured:
        self.repeats += 1
        if self.ends_after is not None and self.repeats > self.ends_after:
            raise KeyboardInterrupt
        return series(self.speed(self.now))[repeat % 6]

    @property
    def hands(self) -> Hands:
        return Hands(self.bring_up, self.measure, lambda _trial: None)


def subject(**more: str) -> Subject:
    given = {"server": "main", "model": "m", "served_name": "m", "engine": "0.32.0 cpu"}
    return Subject(**{**given, **more}, workload="w", load=Load(16), repeats=(3, 3))  # type: ignore[arg-type]


def journal(flags: tuple[str, ...]) -> Journal:
    return Journal.begin(Header(subject(), Setting("as it was", flags), datetime.now(UTC)))


def tuned(machine: Machine, on: Ground, most: int | None = None) -> tuple[Trial, Journal]:
    kept = Journal.found("main") or journal(on.flags)
    going = search(kept.header.before, lambda _best: knobs(on))
    return carry_out(going, kept, machine.hands, most=most), kept


def slow_with_few(flags: tuple[str, ...]) -> float:
    """1000 tokens/s, less where sequences have to wait."""
    return 1000 * min(16, int(flag(flags, SEQS) or 256)) / 16


def test_planted_bad_setting_is_found_with_the_second_trial() -> None:
    machine = Machine(slow_with_few)
    best, kept = tuned(machine, ground(SEQS, "1"))
    assert flag(best.setting.flags, SEQS) is None
    assert machine.tried[:2] == [(SEQS, "1"), ()]
    assert kept.trials[1].standing is Standing.BETTER
    assert kept.trials[1].difference is not None
    assert kept.trials[1].difference.low is not None
    assert kept.trials[1].difference.low > 10


def test_climbs_along_a_ladder_and_turns_where_it_gets_worse() -> None:
    peak = {"512": 500.0, "1024": 800.0, "2048": 1000.0, "4096": 1300.0, "8192": 900.0}
    machine = Machine(lambda flags: peak[flag(flags, TOKENS) or "2048"])
    best, _ = tuned(machine, ground(), most=4)
    asked = [flag(flags, TOKENS) for flags in machine.tried if TOKENS in flags]
    assert asked == ["4096", "8192"]
    assert best.setting.words == "max-num-batched-tokens 4096"


def test_failed_and_refused_settings_are_kept_with_their_reason_and_not_tried_again() -> None:
    machine = Machine(lambda _flags: 1000.0)
    best, kept = tuned(machine, ground(TOKENS, "8192", concurrency=64))
    assert best.setting.words == "as it was"
    by_end = {trial.setting.words: trial for trial in kept.trials}
    fp8 = by_end["kv-cache-dtype fp8 (answers change a little)"]
    assert (fp8.standing, fp8.trouble and fp8.trouble.cause) == (Standing.FAILED, "no_kernel")
    assert by_end["max-num-batched-tokens 16384"].standing is Standing.UNFIT
    assert len(machine.tried) == len(set(machine.tried))


def test_the_clearly_worse_is_left_early_and_the_rest_measured_in_full() -> None:
    machine = Machine(lambda flags: 100.0 if EAGER in flags else 1000.0)
    _, kept = tuned(machine, ground())
    eager = next(one for one in kept.trials if one.setting.knob == EAGER)
    assert (eager.early, len(eager.series)) == (True, 3)
    assert all(len(one.series) == 6 for one in kept.trials if one.standing is Standing.SAME)


@pytest.mark.parametrize("ends_after", [2, 7, 13, 20])
def test_interrupted_anywhere_it_ends_where_it_would_have_ended(ends_after: int) -> None:
    whole = Machine(slow_with_few)
    best, kept = tuned(whole, ground(SEQS, "1"))
    kept.close("kept")
    machine = Machine(slow_with_few)
    machine.ends_after = ends_after
    with pytest.raises(KeyboardInterrupt):
        tuned(machine, ground(SEQS, "1"))
    machine.ends_after = None
    before = len(machine.tried)
    again, _ = tuned(machine, ground(SEQS, "1"))
    assert again.setting == best.setting
    assert len(machine.tried) - before == len(whole.tried) - (before - 1)


def test_a_torn_line_is_cut_off_and_the_trials_before_it_hold() -> None:
    machine = Machine(slow_with_few)
    _, kept = tuned(machine, ground(SEQS, "1"))
    path = FILES.path("main")
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    found = Journal.found("main")
    assert found is not None
    assert found.trials == kept.trials[:-1]
    found.add(kept.trials[-1])
    assert path.read_bytes() == whole


def test_another_search_is_refused_and_says_what_differs() -> None:
    found = journal(()).header
    refuse_other(found, subject())
    with pytest.raises(VConsoleError, match=r"\(model\)") as caught:
        refuse_other(found, subject(model="other"))
    assert caught.value.exit_code is ExitCode.REFUSED


def test_a_journal_that_is_no_journal_is_an_error_that_names_it() -> None:
    journal(())
    FILES.path("main").write_text("no json\n")
    with pytest.raises(VConsoleError, match=r"main\.jsonl cannot be read"):
        Journal.found("main")


def test_a_closed_journal_is_kept_and_no_search_is_under_way(tmp_path: Path) -> None:
    kept = journal(()).close("written", "a-profile")
    assert '"written"' in kept.read_text()
    assert Journal.found("main") is None


def test_without_a_gpu_there_is_no_fp8_and_what_the_engine_lacks_is_left_out() -> None:
    found = {knob.option for knob in knobs(ground(card=CPU))}
    assert KV_DTYPE not in found
    bare = Ground((), (), EngineOptions("0.6.6", OPTIONS.options[:2]), 16, 500, ADA)
    assert {knob.option for knob in knobs(bare)} == {SEQS, TOKENS}


def test_values_that_the_load_cannot_tell_apart_are_one() -> None:
    (seqs,) = knobs(ground(SEQS, "64"), (SEQS,))
    assert [rung.words for rung in seqs.rungs] == [
        "max-num-seqs 4",
        "max-num-seqs 8",
        "max-num-seqs 64",
    ]
    assert (seqs.at, seqs.first) == (2, None)
    assert not knobs(ground(prompt_tokens=10), (TOKENS,))


def test_what_the_plan_gave_is_climbed_from_and_not_taken_away() -> None:
    (seqs,) = knobs(ground(planned=(SEQS, "8"), concurrency=48), (SEQS,))
    assert seqs.rungs[seqs.at].flags == (SEQS, "8")
    assert seqs.first is None
    assert seqs.rungs[-1].flags == (SEQS, "64")


def test_switches_begin_where_they_stand() -> None:
    standing = {knob.option: knob.at for knob in knobs(ground())}
    assert (standing[PREFIX], standing[EAGER], standing[SPECULATIVE]) == (1, 1, 0)
    flags = ("--no-enable-prefix-caching", EAGER, "-sc", '{"method":"ngram"}')
    turned = {knob.option: knob.at for knob in knobs(ground(*flags))}
    assert (turned[PREFIX], turned[EAGER], turned[SPECULATIVE]) == (0, 0, 1)


def test_who_keeps_the_level_goes_before_who_is_faster() -> None:
    slow_and_good, fast_and_late = series(500), series(1000, good_share=0.5)
    assert judged(slow_and_good, fast_and_late).standing is Standing.WORSE
    assert judged(fast_and_late, slow_and_good).standing is Standing.BETTER
    assert judged(fast_and_late, series(2000, good_share=0.6)).standing is Standing.BETTER


def test_noise_is_no_gain_and_failures_are_no_speed() -> None:
    assert judged(series(1000), series(1003)).standing is Standing.SAME
    assert judged(series(1000), series(1500)).standing is Standing.BETTER
    failing = series(1500, failed=8)
    assert judged(series(1000), failing, error_ratio=0.01).standing is Standing.WORSE


def test_the_level_is_told_only_where_it_can_be_told() -> None:
    assert keeps_level(series(1, good_share=None)) is None
    assert keeps_level(series(1, repeats=1, good_share=0.95)) is None
    assert keeps_level(series(1, good_share=0.8)) is False
    # R: prop.test(8, 10, correct = FALSE)
    assert wilson(0.8, 10) == pytest.approx((0.4901625, 0.9433178), abs=1e-5)


def test_the_front_has_those_that_none_beats_in_both() -> None:
    def trial(words: str, tokens_per_s: float, e2e_ms: float) -> Trial:
        made = (measured(tokens_per_s, e2e_ms=e2e_ms),)
        return Trial(Setting(words, (words,)), Standing.SAME, made)

    made = [trial("slow", 100, 500), trial("both", 200, 400), trial("fast", 300, 900)]
    found = placed(made)
    assert [one.trial.setting.words for one in found if one.on_front] == ["both", "fast"]
    drawn = plot(found)
    assert drawn is not None
    curves = {curve.name: [dot.label for dot in curve.dots] for curve in drawn.curves}
    assert curves == {FRONT: ["2", "3"], BEHIND: ["1"]}
