"""Profiles in the console: the list, the form of the engine's options, ways out of a failure."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.console import figures_of_the_sketches as sketches
from tests.console.conftest import Stage, painted, toasts, until, until_live
from vconsole.engine.options.option import EngineOption, EngineOptions
from vconsole.errors import VConsoleError
from vconsole.models.fit.plan import Band, Plan, Verdict
from vconsole.models.profile_file import save_profile
from vconsole.models.profiles import Profile, load_profiles
from vconsole.supervisor.model import (
    ErrorBody,
    Failure,
    Operation,
    OperationState,
)
from vconsole.supervisor.models.fallbacks import Fallback
from vconsole.tui.forms.flag_form import FlagForm
from vconsole.tui.screens.profile_form import FallbacksOffered, OptionsRead, ProfileFormScreen

GOOD, FAILED = Path("good.log"), Path("failed.log")
OPTIONS = EngineOptions(
    "0.32.0",
    (
        EngineOption(("--max-model-len",), help="Model context length."),
        EngineOption(("--enforce-eager", "--no-enforce-eager"), "switch", default="False"),
        EngineOption(("--kv-cache-dtype",), choices=("auto", "fp8"), default="auto"),
        EngineOption(("--speculative-config", "-sc"), help="Speculative decoding. Valid JSON"),
        EngineOption(("--lora-modules",), "list"),
    ),
)
OLD = Profile("demo", flags={"max-model-len": 1024, "max-modle-len": 5})


@pytest.mark.parametrize(
    ("key", "body"),
    [
        ("r", {"model": None, "change": ["--max-model-len", "44688"]}),
        ("k", {"change": ["--kv-cache-dtype", "fp8", "--max-model-len", "89376"]}),
        ("f", {"model": "mistral-7b", "change": []}),
    ],
)
async def test_one_key_starts_what_the_card_shows(
    stage: Stage, key: str, body: dict[str, object]
) -> None:
    stage.supervise(sketches.failed(FAILED))
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await until_live(pilot)
        shown = painted(app)
        for words in ("- --max-model-len 131072", "+ --max-model-len 44688", "fall back to"):
            assert words in shown
        assert "Available KV cache memory" in shown
        await pilot.press(key)
        await until(pilot, lambda: bool(stage.peer.asked), "the start arrived")
        verb, asked = stage.peer.asked[-1]
        assert verb == "start"
        assert asked is not None
        assert {name: asked.get(name) for name in body} == body


async def test_without_a_way_out_its_keys_say_so(stage: Stage) -> None:
    failed = sketches.failed(FAILED)
    assert failed.server.last_failure is not None
    bare = replace(failed.server.last_failure, ways_out=())
    stage.supervise(replace(failed, server=replace(failed.server, last_failure=bare)))
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await until_live(pilot)
        await pilot.press("k")
        await until(pilot, lambda: "would not help" in "".join(toasts(app)), "it said why")


async def test_b_makes_a_profile_of_what_runs(stage: Stage) -> None:
    status = sketches.ready(GOOD)
    flags = ("--max-model-len", "8192", "--enforce-eager")
    stage.supervise(replace(status, server=replace(status.server, flags=flags)))
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await until_live(pilot)
        await pilot.press("b", *"night", "enter")
        await until(pilot, lambda: "night" in load_profiles(), "it was saved")
        saved = load_profiles()["night"]
        assert saved.flags == {"max-model-len": 8192, "enforce-eager": True}
        assert saved.model == status.server.model
        await pilot.press("p")
        await until(pilot, lambda: "night" in painted(app), "it was listed")
        await pilot.press("d")
        await until(pilot, lambda: "runs with the same flags" in painted(app), "no difference")
        await pilot.press("enter")
        await until(pilot, lambda: bool(stage.peer.asked), "the start arrived")
        assert stage.peer.asked[-1][1]["model"] == "night"


async def test_b_in_the_list_gives_a_tuned_profile_back_what_it_was(stage: Stage) -> None:
    save_profile("night", Profile("demo", flags={"max-num-seqs": 32}))
    save_profile("night-before-tune", Profile("demo", flags={"max-num-seqs": 8}))
    stage.supervise(sketches.ready(GOOD))
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await until_live(pilot)
        await pilot.press("p")
        await until(pilot, lambda: "before tune" in painted(app), "the key was offered")
        await pilot.press("b")
        await until(pilot, lambda: "+ max-num-seqs = 8" in painted(app), "it said what changes")
        await pilot.press("enter")
        assert load_profiles()["night"].flags == {"max-num-seqs": 32}
        await pilot.press("b", "y")
        await until(pilot, lambda: "night-before-tune" not in painted(app), "it went back")
        assert load_profiles()["night"].flags == {"max-num-seqs": 8}
        await pilot.press("b")
        await until(pilot, lambda: "no profile night-before" in "".join(toasts(app)), "no second")


async def test_the_form_searches_changes_checks_and_saves(stage: Stage) -> None:
    save_profile("old", OLD)
    stage.supervise(sketches.ready(GOOD))
    app = stage.console()
    async with app.run_test(size=(100, 30)) as pilot:
        await until_live(pilot)
        form = ProfileFormScreen("old", load_profiles()["old"])
        app.push_screen(form)
        await until(pilot, lambda: app.screen is form, "the form was open")
        form.post_message(OptionsRead(OPTIONS))
        await until(pilot, lambda: "max-modle-len" in painted(app), "the fields came")
        assert "is it --max-model-len?" in painted(app)
        await pilot.press("delete", *"eager", "enter")
        assert form.form is not None
        assert form.form.profile.flags == {"max-model-len": 1024, "enforce-eager": True}
        for _ in range(5):
            await pilot.press("backspace")
        await pilot.press(*"kv", "enter", *"fp9", "enter", "ctrl+s")
        await until(pilot, lambda: "is one of auto, fp8" in "".join(toasts(app)), "it was refused")
        assert load_profiles()["old"] == OLD
        await pilot.press("enter", *"fp8", "enter", "ctrl+s")
        wanted = {"max-model-len": 1024, "enforce-eager": True, "kv-cache-dtype": "fp8"}
        await until(pilot, lambda: load_profiles()["old"].flags == wanted, "it was saved")


async def test_a_refused_start_is_begun_only_by_who_insists(stage: Stage) -> None:
    status = sketches.stopped(GOOD)
    peer = stage.supervise(status)
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await until_live(pilot)
        await pilot.press("s")
        await until(pilot, lambda: bool(peer.asked), "the start arrived")
        refused = Operation(
            *("op-1", "start", "main", OperationState.FAILED, sketches.NOW),
            error=ErrorBody("too_big", "m is too big: 30 GiB of weights", "take a smaller", 5),
        )
        await pilot.pause(0.2)
        peer.publish(replace(status, operations=(refused,)))
        await until(pilot, lambda: "Start it anyway?" in painted(app), "it asked")
        assert "30 GiB of weights" in painted(app)
        await pilot.press("y")
        await until(pilot, lambda: len(peer.asked) == 2, "the start arrived again")
        assert peer.asked[-1][1]["anyway"] is True


def test_the_form_finds_by_topic_and_puts_changed_ones_first() -> None:
    form = FlagForm(OLD, OPTIONS)
    assert [row.option.name for row in form.rows()][:3] == [
        "--max-modle-len",
        "--max-model-len",
        "model",
    ]
    form.search = "speculative ngram"
    assert [row.option.name for row in form.rows()] == ["--speculative-config"]
    form.put(form.rows()[0].option, '{"method": "ngram", "num_speculative_tokens": 3}')
    assert form.profile.flags["speculative-config"] == {
        "method": "ngram",
        "num_speculative_tokens": 3,
    }
    form.search = "lora"
    form.put(form.rows()[0].option, "a=/x b=/y")
    assert form.profile.flags["lora-modules"] == ["a=/x", "b=/y"]
    form.search = "cuda graphs"
    switch = form.rows()[0].option
    for value in (True, False, None):
        form.turn(switch)
        assert form.profile.flags.get("enforce-eager") is value
    form.search = "port"
    form.put(form.rows()[0].option, "8001")
    assert form.profile.port == 8001


def test_the_profile_s_own_fields_are_edited_as_text() -> None:
    form = FlagForm(OLD, OPTIONS)
    form.offered = ("acme/small", "acme/tiny")
    rows = {row.option.name: row for row in form.rows()}
    assert {"env", "fallback", "holds-requests", "devices"} <= rows.keys()
    assert form.beginning(rows["fallback"]) == "acme/small acme/tiny"
    form.put(rows["fallback"].option, "acme/small acme/tiny")
    form.put(rows["env"].option, "NCCL_P2P_DISABLE=1 NOTE='two words'")
    form.turn(rows["holds-requests"].option)
    form.turn(rows["plan"].option)
    made = form.profile
    assert made.fallback == ("acme/small", "acme/tiny")
    assert made.env == {"NCCL_P2P_DISABLE": "1", "NOTE": "two words"}
    assert (made.holds_requests, made.plan) == (True, False)
    rows = {row.option.name: row for row in form.rows()}
    assert rows["env"].value == "NCCL_P2P_DISABLE=1 'NOTE=two words'"
    for name, text, said in (
        ("env", "HF_TOKEN=hf_x", "looks like a key"),
        ("env", "novalue", "is no variable"),
        ("env", "A='open", "cannot be read"),
        ("port", "eighty", "is no port"),
    ):
        with pytest.raises(VConsoleError, match=said):
            form.put(rows[name].option, text)
    assert form.profile == made
    form.turn(rows["holds-requests"].option)
    form.put(rows["env"].option, "")
    assert (form.profile.holds_requests, form.profile.env) == (False, {})


async def test_the_form_offers_fallbacks_and_names_what_to_pull(stage: Stage) -> None:
    save_profile("old", OLD)
    stage.supervise(sketches.ready(GOOD))
    app = stage.console()
    async with app.run_test(size=(100, 30)) as pilot:
        await until_live(pilot)
        form = ProfileFormScreen("old", replace(OLD, flags={}))
        app.push_screen(form)
        await until(pilot, lambda: app.screen is form, "the form was open")
        form.post_message(OptionsRead(OPTIONS))
        chain = (Fallback("acme/small", Verdict.FITS, False),)
        form.post_message(FallbacksOffered(chain))
        await pilot.press(*"fallback")
        await until(pilot, lambda: "offered: acme/small" in painted(app), "it was offered")
        await pilot.press("enter", "enter", "ctrl+s")
        await until(pilot, lambda: load_profiles()["old"].fallback == ("acme/small",), "saved")
        await until(
            pilot, lambda: "vconsole models pull acme/small" in "".join(toasts(app)), "to pull"
        )


def test_a_failure_from_an_older_record_has_no_ways_out() -> None:
    assert Failure("unknown", "m", sketches.NOW).ways_out == ()


async def test_a_start_shows_its_plan(stage: Stage) -> None:
    plan = Plan(
        Verdict.TIGHT,
        weights_bytes=Band.exact(13 << 30),
        kv_cache_bytes=Band(2 << 30, 1 << 30, 3 << 30),
        kv_cache_tokens=Band.exact(44_688),
    )
    status = sketches.starting(Path("start.log"))
    stage.supervise(replace(status, server=replace(status.server, plan=plan)))
    app = stage.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await until_live(pilot)
        for words in ("plan  tight", "weights 13.0 GiB", "44,688 tokens"):
            assert words in painted(app)
