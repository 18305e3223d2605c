"""The course of a proof with hands made for it: what is run when, what is asked, and going on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.measurements import measured
from tests.support.proofs import RIVAL, SUBJECT, journal
from vconsole.errors import ExitCode, VConsoleError
from vconsole.requests.bench.model import Load, Measured
from vconsole.supervisor.proving.journal import FILES, Journal, Line, refuse_other
from vconsole.supervisor.proving.legs import WAYS, load_of
from vconsole.supervisor.proving.model import Leg
from vconsole.supervisor.proving.prover import Hands, carry_out
from vconsole.supervisor.proving.stages import SAMPLER, Course, Ground, Start, course
from vconsole.supervisor.tuning.model import Setting
from vconsole.supervisor.tuning.tuner import CannotGoOnError

BEFORE = Setting("as it was", ("--max-num-seqs", "64"))
ALONE = replace(RIVAL, beside=False)


def start(*ran: str, device: str = "cuda", sampler: str | None = None) -> Start:
    return Start(
        replace(BEFORE, flags=(*BEFORE.flags, *ran)), (*BEFORE.flags, *ran), device, sampler
    )


class World:
    """Hands that note what they were asked; `ends_after` so many repeats somebody interrupts."""

    def __init__(self) -> None:
        self.did: list[str] = []
        self.grounds: list[Ground] = []
        self.salts: dict[Leg, list[str]] = {}
        self.ends_after: int | None = None
        self.unfit: str | None = None
        self.refuses: Leg | None = None

    def prepare(self, ground: Ground) -> None:
        if ground.setting.words == self.unfit:
            raise VConsoleError("no room for it")
        if not self.grounds or self.grounds[-1] != ground:
            self.grounds.append(ground)

    def measure(self, leg: Leg, repeat: int, salt: str) -> Measured:
        if self.ends_after is not None and len(self.did) >= self.ends_after:
            raise KeyboardInterrupt
        if leg is self.refuses:
            raise VConsoleError("every request failed")
        self.did.append(f"{leg} {repeat}")
        self.salts.setdefault(leg, []).append(salt)
        return measured(100.0)

    @property
    def hands(self) -> Hands:
        return Hands(self.prepare, self.measure, lambda _leg: None)


def test_beside_each_other_they_take_turns_about_who_is_first() -> None:
    world, made = World(), journal()
    carry_out(course(start(device="cpu"), RIVAL), made, world.hands, "n")
    assert world.did[:4] == ["single 0", "rival, single 0", "rival, single 1", "single 1"]
    assert len(world.grounds) == 1
    assert world.salts[Leg.SINGLE] == world.salts[Leg.RIVAL_SINGLE]
    assert not set(world.salts[Leg.SINGLE]) & set(world.salts[Leg.BATCHED])


def test_a_prefix_is_warm_only_after_it_was_cold_and_is_the_same_one() -> None:
    world, made = World(), journal()
    carry_out(course(start(device="cpu"), RIVAL), made, world.hands, "n")
    order = [one for one in world.did if one.startswith("prefix")]
    assert order == [f"prefix {warmth} {r}" for r in range(3) for warmth in ("cold", "warm")]
    assert world.salts[Leg.PREFIX_COLD] == world.salts[Leg.PREFIX_WARM]
    load = Load(16, requests=64, warm_up=16)
    assert (load_of(Leg.PREFIX_COLD, load).warm_up, load_of(Leg.PREFIX_WARM, load).warm_up) == (
        1,
        0,
    )


def test_where_both_need_the_card_ours_rests_and_both_are_asked_the_same() -> None:
    world, made = World(), journal(rival=ALONE)
    carry_out(course(start(), ALONE), made, world.hands, "n")
    assert [ground.rests for ground in world.grounds[:3]] == [False, True, False]
    assert world.salts[Leg.BATCHED] == world.salts[Leg.RIVAL_BATCHED]
    assert world.did.index("rival, single 0") > world.did.index("batched 2")


def test_on_a_card_graphs_and_the_sampler_are_turned_off_and_on() -> None:
    by_leg = {leg: s.ground for s in course(start(), None, "none").stages for leg in s.legs}
    assert by_leg[Leg.EAGER].setting.flags == (*BEFORE.flags, "--enforce-eager")
    assert by_leg[Leg.GRAPHS].setting.flags == BEFORE.flags
    assert by_leg[Leg.SAMPLING].env == {SAMPLER: "1"}
    assert by_leg[Leg.SAMPLING_WITHOUT].env == {SAMPLER: "0"}
    # What it did not have it is not to keep from one ground to the next.
    assert by_leg[Leg.PREFIX_COLD].unset == (SAMPLER,)
    given = course(start(sampler="0"), None).stages[0].ground
    assert (given.env, given.unset) == ({SAMPLER: "0"}, ())


def test_what_runs_eager_or_without_prefix_caching_is_turned_the_other_way() -> None:
    from_eager = course(start("--enforce-eager", "--no-enable-prefix-caching"), None)
    by_leg = {leg: stage.ground for stage in from_eager.stages for leg in stage.legs}
    assert by_leg[Leg.GRAPHS].setting.flags[2] == "--no-enforce-eager"
    assert by_leg[Leg.EAGER].setting.words == "as it was"
    assert by_leg[Leg.PREFIX_COLD].setting.flags[-1] == "--enable-prefix-caching"


def test_without_a_card_it_says_that_it_was_not_run_on_cuda() -> None:
    found = course(start(device="cpu"), None, "no Ollama")
    assert found.missing[Leg.SAMPLING] == "not run on CUDA: this engine is the CPU build"
    assert found.missing[Leg.RIVAL_SINGLE] == "no Ollama"
    assert {leg for stage in found.stages for leg in stage.legs} == {
        *(Leg.SINGLE, Leg.BATCHED, Leg.PREFIX_COLD, Leg.PREFIX_WARM)
    }


def whole() -> tuple[Course, list[str]]:
    world, made = World(), journal(rival=ALONE)
    plan = course(start(), ALONE)
    carry_out(plan, made, world.hands, "n")
    made.close()
    return plan, world.did


@pytest.mark.parametrize("ends_after", [0, 1, 4, 9, 14, 20, 29])
def test_interrupted_anywhere_it_goes_on_and_measures_nothing_twice(ends_after: int) -> None:
    plan, wanted = whole()
    world, made = World(), journal(rival=ALONE)
    world.ends_after = ends_after
    with pytest.raises(KeyboardInterrupt):
        carry_out(plan, made, world.hands, "first")
    found = Journal.found("main")
    assert found is not None
    assert found.repeats_done == ends_after
    world.ends_after = None
    carry_out(plan, found, world.hands, "second")
    # A prefix that was left cold is made again, for the cache may be another one by now.
    again = [one for one in set(world.did) if world.did.count(one) > 1]
    assert set(world.did) == set(wanted)
    assert all(one.startswith("prefix cold") for one in again)
    assert {leg: len(series) for leg, series in found.series.items()} == {
        leg: 3 for stage in plan.stages for leg in stage.legs
    }


def test_a_pair_that_was_cut_in_two_is_asked_anew_what_both_have_not_seen() -> None:
    plan = course(start(device="cpu"), RIVAL)
    world, made = World(), journal()
    world.ends_after = 1
    with pytest.raises(KeyboardInterrupt):
        carry_out(plan, made, world.hands, "first")
    world.ends_after = None
    carry_out(plan, made, world.hands, "second")
    assert world.did[:3] == ["single 0", "single 0", "rival, single 0"]
    assert made.salt_of(Leg.SINGLE, 0) == made.salt_of(Leg.RIVAL_SINGLE, 0) == "second.one.0"
    assert len(made.series[Leg.SINGLE]) == 3


def test_what_cannot_be_brought_up_or_does_not_answer_is_missing_and_the_rest_goes_on() -> None:
    world, made = World(), journal()
    world.unfit, world.refuses = "eager", Leg.RIVAL_BATCHED
    carry_out(course(start(), RIVAL), made, world.hands, "n")
    assert made.missing == {
        Leg.EAGER: "no room for it",
        Leg.RIVAL_BATCHED: "every request failed",
    }
    assert len(made.series[Leg.BATCHED]) == 3
    assert len(made.series[Leg.SAMPLING_WITHOUT]) == 3


def test_our_own_failure_ends_it_to_be_gone_on_with() -> None:
    world, made = World(), journal()
    world.refuses = Leg.PREFIX_WARM
    with pytest.raises(VConsoleError, match="every request failed"):
        carry_out(course(start(), RIVAL), made, world.hands, "n")
    assert made.missing == {}

    def taken_over(_ground: Ground) -> None:
        raise CannotGoOnError("somebody swapped it")

    with pytest.raises(CannotGoOnError):
        carry_out(course(start(), RIVAL), made, replace(world.hands, prepare=taken_over), "n")
    assert made.missing == {}


def test_the_journal_says_whether_we_stopped_our_server_and_cuts_off_a_torn_line() -> None:
    made = journal()
    assert not made.rests
    made.add(Line(rests=True))
    path = FILES.path("main")
    with path.open("ab") as file:
        file.write(b'{"took": {"leg"')
    found = Journal.found("main")
    assert found is not None
    assert found.rests
    found.add(Line(rests=False))
    assert Journal.found("main") is not None
    assert path.read_bytes().count(b"\n") == 3
    kept = found.close()
    assert Journal.found("main") is None
    last = Journal.last("main")
    assert last is not None
    assert last.path == kept


def test_another_proof_is_refused_and_a_ruined_journal_is_named() -> None:
    made = journal()
    refuse_other(made.header, SUBJECT)
    with pytest.raises(VConsoleError, match=r"\(repeats\)") as caught:
        refuse_other(made.header, replace(SUBJECT, repeats=4))
    assert caught.value.exit_code is ExitCode.REFUSED
    FILES.path("main").write_text("no json\n")
    with pytest.raises(VConsoleError, match=r"main\.jsonl cannot be read"):
        Journal.found("main")


def test_legs_that_are_compared_are_asked_the_same() -> None:
    by_key: dict[str, list[Leg]] = {}
    for leg, way in WAYS.items():
        by_key.setdefault(way.key, []).append(leg)
    assert all(len(legs) == 2 for legs in by_key.values())
    assert set(WAYS) == set(Leg)
