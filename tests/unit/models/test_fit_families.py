"""Configurations that say in their own ways what is remembered of a token, and in which dtype."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from vconsole.models.fit import ModelFacts, facts_from_config, make_plan
from vconsole.models.fit.defaults import settle, version_of
from vconsole.models.fit.facts import Checkpoint, LayerKind
from vconsole.models.fit.overhead import expected_overhead
from vconsole.models.fit.plan import Card, Verdict, Wishes
from vconsole.models.fit.weights import loaded_weights

GIB = 2**30
CARD = Card("a card", 79 * GIB, 79 * GIB, capability=(9, 0))
LLAMA: dict[str, Any] = {
    "model_type": "llama",
    "torch_dtype": "bfloat16",
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "hidden_size": 4096,
    "vocab_size": 128256,
    "max_position_embeddings": 8192,
}
GEMMA4: dict[str, Any] = {
    "model_type": "gemma4_text",
    "num_hidden_layers": 12,
    "num_attention_heads": 32,
    "num_key_value_heads": 16,
    "head_dim": 256,
    "hidden_size": 5376,
    "sliding_window": 1024,
    "layer_types": (["sliding_attention"] * 5 + ["full_attention"]) * 2,
}
FP8_SCHEME = {"dynamic": False, "num_bits": 8, "type": "float"}


def shapes(config: dict[str, Any]) -> set[tuple[str, int, int, int]]:
    """(kind, layers, KV heads, head dimension) of each group."""
    facts = facts_from_config(config)
    return {(g.kind.name, g.count, g.kv_heads, g.key_dim) for g in facts.layers}


def bytes_per_token(facts: ModelFacts, wishes: Wishes | None = None) -> int:
    plan = make_plan(facts, CARD, wishes or Wishes(), engine_version="0.32.0")
    assert plan.kv_bytes_per_token is not None
    return plan.kv_bytes_per_token.value


@pytest.mark.parametrize(
    "quantization",
    [
        {"quant_method": "compressed-tensors", "kv_cache_scheme": FP8_SCHEME},
        {"quant_method": "modelopt", "quant_algo": "FP8", "kv_cache_scheme": FP8_SCHEME},
        {"quant_method": "modelopt", "quantization": {"kv_cache_quant_algo": "FP8"}},
        {"producer": {}, "quantization": {"quant_algo": "FP8", "kv_cache_quant_algo": "FP8"}},
    ],
)
def test_a_checkpoint_may_ask_for_a_narrow_kv_cache(quantization: dict[str, Any]) -> None:
    facts = facts_from_config({**LLAMA, "quantization_config": quantization}, 8 * GIB)
    assert bytes_per_token(facts) == 65_536
    assert bytes_per_token(facts, Wishes(kv_cache_dtype="auto")) == 65_536
    assert bytes_per_token(facts, Wishes(kv_cache_dtype="bfloat16")) == 131_072
    small = Card("a card", 12 * GIB, 12 * GIB, capability=(8, 9))
    assert "--kv-cache-dtype" not in make_plan(facts, small).arguments


def test_a_kv_cache_of_four_bits_has_its_scales_beside_it() -> None:
    facts = facts_from_config(LLAMA, 8 * GIB)
    assert bytes_per_token(facts, Wishes(kv_cache_dtype="nvfp4")) == 32 * 8 * 2 * (64 + 8)
    plan = make_plan(facts, CARD, Wishes(kv_cache_dtype="turboquant_4bit_nc"))
    assert plan.verdict is Verdict.UNKNOWN


def test_what_packs_only_the_weights_leaves_the_kv_cache_alone() -> None:
    packed = {"quant_method": "compressed-tensors", "kv_cache_scheme": None}
    facts = facts_from_config({**LLAMA, "quantization_config": packed}, 8 * GIB)
    assert bytes_per_token(facts) == 131_072


def test_heads_of_full_attention_may_be_fewer_and_wider() -> None:
    wide = {"global_head_dim": 512, "num_global_key_value_heads": 4}
    shared = {("SLIDING", 10, 16, 256), ("FULL", 2, 4, 512)}
    assert shapes({**GEMMA4, **wide, "attention_k_eq_v": True}) == shared
    # Without that switch transformers leaves their number alone.
    apart = {("SLIDING", 10, 16, 256), ("FULL", 2, 16, 512)}
    assert shapes({**GEMMA4, **wide, "attention_k_eq_v": False}) == apart


def test_single_layers_may_have_a_shape_of_their_own() -> None:
    own = {"05": {"head_dim": 512, "num_key_value_heads": 4}, "11": {"head_dim": 512}}
    found = shapes({**GEMMA4, "per_layer_config": own})
    assert found == {("SLIDING", 10, 16, 256), ("FULL", 1, 4, 512), ("FULL", 1, 16, 512)}


def test_kv_heads_may_be_listed_layer_by_layer() -> None:
    found = shapes({**LLAMA, "num_key_value_heads": [8] * 20 + [4] * 12})
    assert found == {("FULL", 20, 8, 128), ("FULL", 12, 4, 128)}
    assert shapes({**LLAMA, "num_key_value_heads": [8] * 32}) == {("FULL", 32, 8, 128)}


def test_heads_projected_from_a_latent_vector_may_be_kept_whole() -> None:
    latent = {"kv_lora_rank": 256, "qk_nope_head_dim": 64, "qk_rope_head_dim": 32}
    config = {"model_type": "minicpm3", "num_hidden_layers": 62, "num_attention_heads": 40}
    assert shapes({**config, **latent}) == {("FULL", 62, 40, 96)}


def test_a_damaged_number_of_layers_is_unknown_at_once() -> None:
    plan = make_plan(facts_from_config({**LLAMA, "num_hidden_layers": 10**12}), CARD)
    assert plan.verdict is Verdict.UNKNOWN


def test_sparse_attention_by_its_newer_name_is_latent_attention_with_an_index() -> None:
    facts = facts_from_config(
        {
            "model_type": "deepseek_v32",
            "num_hidden_layers": 4,
            "num_attention_heads": 128,
            "kv_lora_rank": 512,
            "qk_rope_head_dim": 64,
            "layer_types": ["indexed_attention"] * 4,
        }
    )
    assert [(g.kind, g.count, g.key_dim) for g in facts.layers] == [
        (LayerKind.MLA, 4, 576),
        (LayerKind.MLA, 4, 132),
    ]


@pytest.mark.parametrize(
    ("roles", "left_out"),
    [(frozenset({"mtp", "linear"}), 1.0), (frozenset({"linear"}), 0.0), (frozenset(), 0.5)],
)
def test_heads_that_draft_are_no_part_of_a_plain_start(
    roles: frozenset[str], left_out: float
) -> None:
    config = {**LLAMA, "num_hidden_layers": 31, "num_nextn_predict_layers": 1, "vocab_size": 1}
    stored = 32 * GIB
    facts = facts_from_config(config)
    found = {}
    for size in (0, 1):
        given = replace(facts, checkpoint=Checkpoint(stored, roles=roles), mtp_layers=size)
        setting = settle(given, CARD, Wishes(), version_of("0.32.0"), 8192)
        weights = loaded_weights(given, setting)
        assert weights is not None
        found[size] = weights.size.value
    assert (found[0] - found[1]) / GIB == pytest.approx(left_out, abs=0.01)


def test_an_untold_version_lies_between_the_old_and_the_new() -> None:
    facts = facts_from_config(LLAMA, 16 * GIB)
    few = Wishes(max_num_seqs=8)

    def overhead(version: str | None) -> int:
        setting = settle(facts, CARD, few, version_of(version), 8192)
        return expected_overhead(facts, CARD, setting).size.value

    assert overhead("0.10.0") < overhead(None) < overhead("0.28.0")
    assert 2 * overhead(None) == pytest.approx(overhead("0.10.0") + overhead("0.28.0"), abs=2)


def test_a_young_family_is_served_by_young_versions() -> None:
    config = {**LLAMA, "model_type": "qwen3_5", "vocab_size": 248_320}
    facts = facts_from_config({**config, "layer_types": ["full_attention"] * 32}, 16 * GIB)
    plans = [make_plan(facts, CARD, engine_version=version) for version in (None, "0.28.0")]
    assert plans[0].verdict is Verdict.FITS
    assert plans[0].overhead_bytes is not None
    assert plans[1].overhead_bytes is not None
    assert plans[0].overhead_bytes.value == plans[1].overhead_bytes.value
