"""What of the catalogue fits a card: the fallbacks that a profile is offered, or names."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from vconsole.cli.app import run
from vconsole.models.cards import find_card
from vconsole.models.catalogue import load_catalogue
from vconsole.models.fit import make_plan
from vconsole.models.fit.plan import Card, Verdict
from vconsole.models.offers import MOST_FALLBACKS, SMALLER, Offer, fallbacks, offers
from vconsole.models.profile_file import save_profile
from vconsole.models.profiles import Profile, load_profiles
from vconsole.supervisor.models import fallbacks as on_this_host

GIB = 2**30
VERSION = "0.32.0"
RTX_4080 = find_card("RTX 4080").card
T4 = find_card("T4").card


@pytest.mark.parametrize("card", [RTX_4080, T4, find_card("RTX 4060").card])
@pytest.mark.parametrize("model", ["openai/gpt-oss-120b", "Qwen/Qwen2.5-7B-Instruct", "acme/own"])
def test_each_step_fits_is_open_and_much_smaller(card: Card, model: str) -> None:
    own = load_catalogue().find(model)
    chain = fallbacks(model, None, card, VERSION)
    assert 0 < len(chain) <= MOST_FALLBACKS
    sizes = [one.weights_bytes for one in chain]
    if own and own.weights_bytes:
        sizes.insert(0, own.weights_bytes)
    assert all(b <= SMALLER * a for a, b in pairwise(sizes))
    for one in chain:
        assert one.entry.gated is False
        plan = make_plan(one.entry.facts, card, engine_version=VERSION)
        assert plan.verdict is Verdict.FITS
        least = one.entry.least_capability
        assert least is None or card.capability is None or least <= card.capability


def test_the_same_model_in_another_packing_comes_first() -> None:
    chain = fallbacks("Qwen/Qwen2.5-14B-Instruct", None, find_card("RTX 3090").card, VERSION)
    assert chain[0].name.startswith("Qwen/Qwen2.5-14B-Instruct-")


@pytest.mark.parametrize(
    ("card", "llama"),
    [
        (RTX_4080, "RedHatAI/Meta-Llama-3.1-8B-Instruct-FP8-dynamic"),
        (find_card("RTX 4060").card, "hugging-quants/Meta-Llama-3.1-8B-Instruct-AWQ-INT4"),
    ],
)
def test_gpt_oss_falls_back_to_a_small_mistral_then_to_the_llama_that_fits(
    card: Card, llama: str
) -> None:
    chain = fallbacks("openai/gpt-oss-20b", None, card, VERSION)
    assert [one.name for one in chain] == ["solidrust/Mistral-7B-Instruct-v0.3-AWQ", llama]
    assert all(one.plan.verdict is Verdict.FITS and one.entry.gated is False for one in chain)


def test_where_the_usual_chain_does_not_fit_whole_a_smaller_one_is_offered() -> None:
    tight = replace(RTX_4080, free_bytes=5 * GIB)
    names = [one.name for one in fallbacks("openai/gpt-oss-20b", None, tight, VERSION)]
    assert names
    assert not any("Llama-3.1-8B" in name for name in names)


def test_of_the_usual_packings_the_one_on_the_disk_is_offered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = "RedHatAI/Mistral-7B-Instruct-v0.3-GPTQ-4bit"
    monkeypatch.setattr(Offer, "is_on_disk", property(lambda one: one.name == here))
    assert fallbacks("openai/gpt-oss-20b", None, RTX_4080, VERSION)[0].name == here


def test_nothing_is_offered_where_nothing_smaller_fits() -> None:
    assert fallbacks("openai/gpt-oss-20b", None, replace(T4, free_bytes=GIB), VERSION) == ()
    assert offers(Card("none", GIB, GIB), VERSION) == []


@pytest.fixture
def _profile(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host with an RTX 4080, which this machine lacks."""
    monkeypatch.setattr(on_this_host, "_card", lambda: RTX_4080)
    save_profile("nightly", Profile("openai/gpt-oss-20b"))


@pytest.mark.usefixtures("_profile")
def test_a_chain_is_offered_taken_named_judged_and_cleared(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["profile", "fallback", "nightly", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["offered"] is True
    assert load_profiles()["nightly"].fallback == ()
    first = told["fallback"][0]
    assert (first["verdict"], first["on_disk"]) == ("fits", False)
    assert first["pull"] == f"vconsole models pull {first['model']}"

    assert run(["profile", "fallback", "nightly", "--choose"]) == 0
    assert "not on this disk: vconsole models pull" in capsys.readouterr().out
    names = tuple(one["model"] for one in told["fallback"])
    assert load_profiles()["nightly"].fallback == names

    assert run(["profile", "fallback", "nightly", "demo", "acme/unknown"]) == 0
    assert load_profiles()["nightly"].fallback == ("demo", "acme/unknown")
    assert "acme/unknown  unknown" in capsys.readouterr().out
    assert run(["profile", "fallback", "nightly", "--clear"]) == 0
    assert load_profiles()["nightly"].fallback == ()


@pytest.mark.usefixtures("_profile")
def test_a_fallback_that_does_not_fit_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["profile", "fallback", "nightly", "meta-llama/Llama-3.3-70B-Instruct"]) == 5
    assert "does not fit this card" in capsys.readouterr().err
    assert load_profiles()["nightly"].fallback == ()


def test_what_is_pulled_needs_no_pull(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    snapshot = tmp_path / "models--Qwen--Qwen3-8B-AWQ" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs" / "main").write_text("abc")
    entry = load_catalogue().find("Qwen/Qwen3-8B-AWQ")
    assert entry is not None
    (snapshot / "config.json").write_text(json.dumps(entry.config))
    monkeypatch.setattr(on_this_host, "_card", lambda: RTX_4080)
    (found,) = on_this_host.judged(("Qwen/Qwen3-8B-AWQ",))
    assert found.is_on_disk
    assert found.pull_command is None
