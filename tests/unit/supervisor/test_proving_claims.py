"""Claims from made-up measurements: confirmed and refuted beyond the noise only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from tests.support.measurements import series
from tests.support.proofs import journal
from vconsole.requests.bench.model import Measured
from vconsole.settings import PriceSettings
from vconsole.supervisor.proving.card import card_of
from vconsole.supervisor.proving.claims import claims
from vconsole.supervisor.proving.cost import cost_per_million
from vconsole.supervisor.proving.journal import Line, Missed, Took
from vconsole.supervisor.proving.model import Claim, Evidence, Leg, Side, Verdict
from vconsole.supervisor.proving.writing import markdown, svg

GIB = 2**30
OURS = Side("vLLM", "a-model", "0.32.0", 12 * GIB, "the cards' memory")
OLLAMA = Side("Ollama", "a-model:8b", "0.12.6", 9 * GIB, "its own word")
FASTER = {
    Leg.SINGLE: series(100, repeats=3, ttft_ms=40),
    Leg.RIVAL_SINGLE: series(80, repeats=3, ttft_ms=60),
    Leg.BATCHED: series(1000, repeats=3, e2e_ms=900),
    Leg.RIVAL_BATCHED: series(80, repeats=3, e2e_ms=9000),
    Leg.PREFIX_COLD: series(50, repeats=3, ttft_ms=200),
    Leg.PREFIX_WARM: series(50, repeats=3, ttft_ms=50),
    Leg.SAMPLING: series(1000, repeats=3),
    Leg.SAMPLING_WITHOUT: series(1003, repeats=3),
    Leg.GRAPHS: series(900, repeats=3),
    Leg.EAGER: series(1000, repeats=3),
}


def found(legs: Mapping[Leg, tuple[Measured, ...]] = FASTER, **more: object) -> dict[str, Claim]:
    evidence = Evidence(OURS, OLLAMA, legs, concurrency=16)
    return {claim.id: claim for claim in claims(replace(evidence, **more))}  # type: ignore[arg-type]


def alike(legs: Mapping[Leg, tuple[Measured, ...]]) -> dict[Leg, tuple[Measured, ...]]:
    """The same with answers of one length on both sides."""
    return {
        leg: tuple(replace(one, generation_tokens=64 * one.requests) for one in made)
        for leg, made in legs.items()
    }


def test_each_claim_stands_by_its_own_figures() -> None:
    verdicts = {name: claim.verdict for name, claim in found(alike(FASTER)).items()}
    assert verdicts == {
        "throughput": Verdict.CONFIRMED,
        "ten_to_fifty": Verdict.CONFIRMED,
        "throughput_single": Verdict.CONFIRMED,
        "latency_first_token": Verdict.CONFIRMED,
        "latency_batched": Verdict.CONFIRMED,
        "cost": Verdict.NOT_SHOWN,
        "memory": Verdict.REFUTED,
        "prefix_caching": Verdict.CONFIRMED,
        "flashinfer": Verdict.NOT_SHOWN,
        "cuda_graphs": Verdict.REFUTED,
    }


def test_what_is_told_of_ten_times_is_refuted_by_five() -> None:
    five = {**FASTER, Leg.RIVAL_BATCHED: series(200, repeats=3)}
    claim = found(five)["ten_to_fifty"]
    assert claim.verdict is Verdict.REFUTED
    assert claim.ratio == pytest.approx(5)
    nearly = {**FASTER, Leg.RIVAL_BATCHED: series(100, repeats=3)}
    assert found(nearly)["ten_to_fifty"].verdict is not Verdict.REFUTED
    far = {**FASTER, Leg.RIVAL_BATCHED: series(10, repeats=3)}
    assert found(far)["ten_to_fifty"].figures == "100.00 times, more than 50"


def test_who_says_less_is_no_sooner_through() -> None:
    """Ollama ends its answers where it likes: then E2E says nothing, throughput still does."""
    short = alike(FASTER)
    short[Leg.RIVAL_BATCHED] = tuple(
        replace(one, generation_tokens=20 * one.requests) for one in short[Leg.RIVAL_BATCHED]
    )
    claim = found(short)["latency_batched"]
    assert claim.verdict is Verdict.NOT_SHOWN
    assert "answers of 64 and 20 tokens" in claim.figures
    assert found(short)["throughput"].verdict is Verdict.CONFIRMED


def test_within_the_noise_nothing_is_shown_and_too_few_repeats_tell_nothing() -> None:
    same = {**FASTER, Leg.RIVAL_BATCHED: series(1002, repeats=3)}
    assert found(same)["throughput"].verdict is Verdict.NOT_SHOWN
    one = {**FASTER, Leg.RIVAL_BATCHED: series(10, repeats=1)}
    assert found(one)["throughput"].verdict is Verdict.NOT_SHOWN


def test_what_was_not_measured_says_why() -> None:
    ours_alone = {leg: FASTER[leg] for leg in (Leg.SINGLE, Leg.BATCHED)}
    why = {Leg.RIVAL_BATCHED: "Ollama is not running", Leg.SAMPLING: "not run on CUDA"}
    claim = found(ours_alone, rival=None, missing=why)
    assert (claim["throughput"].verdict, claim["throughput"].figures) == (
        Verdict.NOT_RUN,
        "Ollama is not running",
    )
    assert claim["memory"].verdict is Verdict.NOT_RUN
    assert claim["flashinfer"].figures == "not run on CUDA"


def test_a_token_costs_what_the_hour_and_the_energy_cost() -> None:
    prices = PriceSettings(kwh=0.30, hardware_per_hour=0.36, currency="EUR")
    drawn = {
        **FASTER,
        Leg.BATCHED: series(1000, repeats=3, energy_j=3600),
        Leg.RIVAL_BATCHED: series(100, repeats=3, energy_j=1800),
    }
    claim = found(drawn, prices=prices)["cost"]
    assert claim.verdict is Verdict.CONFIRMED
    # 10 s of 0.36 an hour are 0.001, 3.6 kJ at 0.30 are 0.0003; for 10,000 tokens.
    evidence = Evidence(OURS, OLLAMA, drawn, prices=prices)
    assert cost_per_million(evidence, drawn[Leg.BATCHED][0]) == pytest.approx(0.13)
    assert "EUR per million tokens" in claim.figures
    bought = PriceSettings(hardware_price=365 * 24 * 0.36, hardware_years=1)
    assert found(FASTER, prices=bought)["cost"].figures.startswith("0.100 against 1.250")
    unknown = found(FASTER, prices=PriceSettings(kwh=0.30))["cost"]
    assert (unknown.verdict, unknown.ratio) == (Verdict.NOT_SHOWN, None)


def test_memory_that_nobody_tells_is_unknown_and_no_zero() -> None:
    hidden = found(rival=replace(OLLAMA, memory_bytes=None))["memory"]
    assert (hidden.verdict, hidden.figures) == (Verdict.NOT_SHOWN, "Ollama's memory is unknown")


def test_the_card_says_yes_no_or_not_shown() -> None:
    made = journal()
    for leg, measured in FASTER.items():
        for repeat, one in enumerate(measured):
            made.add(Line(took=Took(leg, repeat, "salt", one)))
    made.add(Line(missed=Missed(Leg.GRAPHS, "no card")))
    card = card_of(made, PriceSettings())
    assert card.answer.startswith("Yes: 12.")
    assert "with 16 requests at once" in card.answer
    text = markdown(card)
    assert text.startswith("# Was leaving Ollama worth it?")
    assert text.count("\n|") == len(card.claims) + 2
    assert all(claim.text in text for claim in card.claims)
    assert "llama3:8b made room and was given back" in text


def test_the_picture_is_xml_with_every_claim_in_it_whatever_names_are() -> None:
    made = journal()
    card = replace(
        card_of(made, PriceSettings()),
        rival=Side("<b>&", 'a "model"'),
        notes=("a note with <tags> & such " * 8,),
    )
    root = ElementTree.fromstring(svg(card))
    words = " ".join(root.itertext())
    assert "Was leaving <b>& worth it?" in words
    assert words.count("not run") >= len(card.claims)
    height = float(root.attrib["viewBox"].split()[3])
    assert all(float(each.attrib["y"]) < height for each in root.iter() if "y" in each.attrib)
