"""What a start may have beside the model itself: adapters, weights left in the host, drafts."""

from __future__ import annotations

from pathlib import Path

import pytest

import vconsole
from tests.unit.models.test_fit_arithmetic import llama
from vconsole.host.readings import Gpu, Host
from vconsole.models.fit import ModelFacts, make_plan, wishes_from
from vconsole.models.fit.adapters import adapter_bytes
from vconsole.models.fit.defaults import settle, version_of
from vconsole.models.fit.plan import Card, Plan, Verdict
from vconsole.models.fit.reading import read_facts
from vconsole.supervisor.models.cards import card_of_host

GIB = 2**30
CARD = Card("a card", 24 * GIB, 24 * GIB, capability=(8, 9))
DEMO = Path(vconsole.__file__).parent / "resources" / "demo_models" / "demo-lark"
LLAMA = llama(max_position_embeddings=8192)


def plan(*flags: str, card: Card = CARD, facts: ModelFacts = LLAMA) -> Plan:
    return make_plan(facts, card, wishes_from(flags), engine_version="0.32.0")


def weights(*flags: str) -> int:
    found = plan(*flags).weights_bytes
    assert found is not None
    return found.value


def test_matrices_of_adapters_are_those_that_vllm_allocates() -> None:
    """305,152 numbers: counted in vLLM 0.32 serving the demo model with these flags."""
    wishes = wishes_from(["--enable-lora", "--max-loras", "2", "--max-lora-rank", "16"])
    facts = read_facts(DEMO)
    setting = settle(facts, CARD, wishes, version_of("0.32.0"), 256)
    assert adapter_bytes(facts, setting) == 305_152 * 2


def test_adapters_take_of_the_kv_cache_and_only_where_they_are_enabled() -> None:
    alone = weights()
    assert weights("--max-loras", "8", "--max-lora-rank", "256") == alone
    one = weights("--enable-lora") - alone
    many = weights("--enable-lora", "--max-loras=8", "--max-lora-rank=256") - alone
    assert one == pytest.approx(94e6, rel=0.05)
    assert many == 8 * 16 * one
    assert plan("--enable-lora", "--max-loras=8", "--max-lora-rank=256").verdict != Verdict.FITS


def test_weights_in_the_host_s_memory_are_none_of_the_card_s() -> None:
    assert weights() - weights("--cpu-offload-gb", "4") == 4 * GIB


def test_what_is_not_computed_is_unknown_and_named() -> None:
    drafted = plan("--speculative-config", '{"method": "eagle3", "model": "acme/draft"}')
    assert drafted.verdict is Verdict.UNKNOWN
    assert "draft model" in drafted.why[0]
    assert plan("-pp", "2").verdict is Verdict.UNKNOWN
    looked_up = plan("--speculative-config", '{"method": "ngram", "num_speculative_tokens": 3}')
    assert looked_up.verdict is Verdict.FITS


def test_memory_shared_with_the_host_widens_the_band_and_says_so() -> None:
    own = plan(card=Card("another", 60 * GIB, 55 * GIB))
    shared = plan(card=Card("NVIDIA GB10", 60 * GIB, 55 * GIB))
    assert own.overhead_bytes
    assert shared.overhead_bytes
    assert shared.overhead_bytes.high - own.overhead_bytes.high == 4 * GIB
    assert any("memory is the host's" in why for why in shared.why)


def test_a_card_without_memory_of_its_own_has_the_host_s() -> None:
    host = Host(memory_total_bytes=121 * GIB, memory_available_bytes=100 * GIB)
    card = card_of_host([Gpu(0, name="NVIDIA GB10", compute_capability=(12, 1))], host).card
    assert (card.total_bytes, card.free_bytes, card.is_cpu) == (121 * GIB, 100 * GIB, False)
