"""Figures worked out by hand, and what must hold whatever the figures are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vconsole.models.fit import ModelFacts, facts_from_config, make_plan, wishes_from
from vconsole.models.fit.defaults import Setting, settle, version_of
from vconsole.models.fit.kv_blocks import KvPool, kv_pool
from vconsole.models.fit.overhead import capture_sizes
from vconsole.models.fit.plan import Card, Tenant, Verdict, Wishes

GIB = 2**30
CARD = Card("a card", 16 * GIB, 16 * GIB, capability=(8, 9))


def llama(**changes: Any) -> ModelFacts:
    config = {
        "model_type": "llama",
        "architectures": ["LlamaForCausalLM"],
        "torch_dtype": "bfloat16",
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "head_dim": 128,
        "hidden_size": 4096,
        "intermediate_size": 14336,
        "vocab_size": 128256,
        "max_position_embeddings": 131072,
    }
    return facts_from_config({**config, **changes}, 16_060_522_496)


def gpt_oss() -> ModelFacts:
    return facts_from_config(
        {
            "model_type": "gpt_oss",
            "torch_dtype": "bfloat16",
            "num_hidden_layers": 24,
            "num_attention_heads": 64,
            "num_key_value_heads": 8,
            "head_dim": 64,
            "hidden_size": 2880,
            "intermediate_size": 2880,
            "vocab_size": 201088,
            "sliding_window": 128,
            "num_local_experts": 32,
            "num_experts_per_tok": 4,
            "max_position_embeddings": 131072,
            "quantization_config": {"quant_method": "mxfp4"},
        },
        13_761_264_768,
    )


def setting(facts: ModelFacts, length: int, wishes: Wishes = Wishes()) -> Setting:  # noqa: B008
    return settle(facts, CARD, wishes, version_of("0.32.0"), length)


def pool(facts: ModelFacts, length: int, wishes: Wishes = Wishes()) -> KvPool:  # noqa: B008
    found = kv_pool(facts, setting(facts, length, wishes))
    assert found is not None
    return found


def test_a_token_of_llama_takes_two_tensors_of_each_head_in_each_layer() -> None:
    assert pool(llama(), 8192).bytes_per_token == 131_072
    assert pool(llama(), 8192, Wishes(tensor_parallel=4)).bytes_per_token == 32_768
    assert pool(llama(), 8192, Wishes(kv_cache_dtype="fp8")).bytes_per_token == 65_536


def test_heads_fewer_than_cards_are_repeated() -> None:
    few = llama(num_key_value_heads=2)
    assert pool(few, 8192, Wishes(tensor_parallel=4)).bytes_per_token == 32 * 256 * 2


def test_latent_attention_is_the_same_on_every_card() -> None:
    facts = facts_from_config(
        {
            "model_type": "deepseek_v2",
            "torch_dtype": "bfloat16",
            "num_hidden_layers": 27,
            "num_attention_heads": 16,
            "hidden_size": 2048,
            "kv_lora_rank": 512,
            "qk_rope_head_dim": 64,
            "vocab_size": 102400,
            "max_position_embeddings": 163840,
        }
    )
    assert pool(facts, 8192).bytes_per_token == 31_104
    assert pool(facts, 8192, Wishes(tensor_parallel=8)).bytes_per_token == 31_104


def test_a_windowed_layer_holds_its_window_and_what_is_in_flight() -> None:
    """Two batches of 2,048 tokens and a window of 128: 264 blocks of 16 tokens and one more."""
    windowed = pool(gpt_oss(), 131_072)
    full = -(-131_072 // 16)
    assert windowed.blocks_per_request(131_072) == full + 265


def test_gemma_3_pays_for_the_layers_that_fill_its_groups_up() -> None:
    facts = facts_from_config(
        {
            "model_type": "gemma3",
            "torch_dtype": "bfloat16",
            "text_config": {
                "model_type": "gemma3_text",
                "num_hidden_layers": 62,
                "num_attention_heads": 32,
                "num_key_value_heads": 16,
                "head_dim": 128,
                "hidden_size": 5376,
                "vocab_size": 262208,
                "sliding_window": 1024,
            },
        }
    )
    assert pool(facts, 8192).bytes_per_token == 573_440


def test_the_sizes_that_get_a_graph() -> None:
    assert capture_sizes(256) == 51
    assert capture_sizes(32) == 11


@pytest.mark.parametrize(
    ("version", "words", "tokens"), [("0.17.1", "the sampler", 46_544), (None, "mixed", 46_544)]
)
def test_a_real_start_lies_within_the_band(version: str | None, words: str, tokens: int) -> None:
    """Llama 3.1 8B on an RTX 3090 of 23.54 GiB with vLLM 0.17.1 printed 46,544 tokens."""
    card = Card("RTX 3090", int(23.54 * GIB), int(23.54 * GIB), capability=(8, 6))
    wishes = Wishes(gpu_memory_utilization=0.9, max_model_len=8192)
    plan = make_plan(llama(), card, wishes, engine_version=version)
    assert plan.verdict is Verdict.FITS, words
    assert plan.kv_cache_tokens is not None
    assert plan.kv_cache_tokens.low <= tokens <= plan.kv_cache_tokens.high
    assert plan.weights_bytes is not None
    assert plan.weights_bytes.value == pytest.approx(14.99 * GIB, rel=0.002)


def test_experts_padded_for_their_kernels_are_counted_as_the_config_counts_them() -> None:
    """A start of GPT-OSS 20B printed 13.72 GiB where the files hold 12.82."""
    weights = make_plan(gpt_oss(), CARD).weights_bytes
    assert weights is not None
    assert weights.value == pytest.approx(13.72 * GIB, rel=0.01)


def test_what_is_pinned_is_not_proposed_again() -> None:
    wishes = wishes_from(
        ("--max-model-len", "4k", "--max-num-seqs=16", "--gpu-memory-utilization", "0.8", "-tp=1")
    )
    assert wishes == Wishes(1, 4000, 16, gpu_memory_utilization=0.8)
    card = Card("a card", 24 * GIB, 24 * GIB)
    named = {flag.flag for flag in make_plan(llama(), card, wishes).flags}
    assert not named & {"--max-model-len", "--max-num-seqs", "--gpu-memory-utilization"}


def test_a_context_that_does_not_fit_is_shortened_to_one_that_does() -> None:
    card = Card("a card", 24 * GIB, 24 * GIB)
    plan = make_plan(llama(), card)
    assert plan.verdict is Verdict.FITS
    assert "--max-model-len" in plan.arguments
    pinned = Wishes(max_model_len=plan.max_model_len, gpu_memory_utilization=0.92)
    assert make_plan(llama(), card, pinned).verdict is Verdict.FITS


def test_the_memory_of_others_is_left_alone_and_named() -> None:
    card = Card("a card", 24 * GIB, 20 * GIB, tenants=(Tenant("Xorg", 4 * GIB),))
    plan = make_plan(llama(), card)
    share = next(flag for flag in plan.flags if flag.flag == "--gpu-memory-utilization")
    assert float(share.value or 1) * 24 <= 20
    assert "Xorg" in share.why


def test_a_share_that_is_not_free_is_refused_as_vllm_refuses_it() -> None:
    card = Card("a card", 24 * GIB, 16 * GIB, tenants=(Tenant("ollama", 8 * GIB, 12),))
    plan = make_plan(llama(), card, Wishes(gpu_memory_utilization=0.9, max_model_len=2048))
    assert plan.verdict is Verdict.TOO_BIG
    assert "ollama" in plan.why[0]


def test_the_fewest_cards_that_hold_it_are_taken() -> None:
    two = make_plan(llama(), Card("a card", 12 * GIB, 12 * GIB, count=4))
    assert two.tensor_parallel == 2
    assert two.arguments[:2] == ("--tensor-parallel-size", "2")


def test_a_model_that_is_not_understood_is_unknown() -> None:
    plan = make_plan(facts_from_config({"model_type": "rwkv", "num_hidden_layers": 12}), CARD)
    assert plan.verdict is Verdict.UNKNOWN
    assert plan.why
    assert plan.kv_cache_bytes is None


@settings(deadline=None)
@given(st.integers(4, 200), st.integers(1, 64), st.integers(256, 131_072))
def test_more_memory_never_means_fewer_tokens(size: int, more: int, length: int) -> None:
    # Without a share of its own a card that is too small gets a larger one proposed.
    wishes = Wishes(
        max_model_len=length,
        max_num_seqs=64,
        max_num_batched_tokens=2048,
        gpu_memory_utilization=0.9,
        enforce_eager=True,
    )
    plans = [
        make_plan(llama(), Card("a card", s * GIB, s * GIB), wishes) for s in (size, size + more)
    ]
    bands = [plan.kv_cache_tokens for plan in plans]
    assert bands[0] is not None
    assert bands[1] is not None
    assert bands[0].value <= bands[1].value
    assert all(band.low <= band.value <= band.high for band in bands if band)
    order = [Verdict.TOO_BIG, Verdict.TIGHT, Verdict.FITS]
    assert order.index(plans[0].verdict) <= order.index(plans[1].verdict)


@given(st.integers(1, 131_072), st.integers(1, 4096), st.integers(0, 64 * GIB))
def test_the_longest_request_is_the_longest(length: int, more: int, size: int) -> None:
    for facts in (llama(), gpt_oss()):
        blocks = pool(facts, 131_072)
        assert blocks.needed_bytes(length) <= blocks.needed_bytes(length + more)
        longest = blocks.longest(size, 131_072)
        assert longest == 0 or blocks.needed_bytes(longest) <= size
        assert longest == 131_072 or blocks.needed_bytes(longest + 1) > size


@given(st.sampled_from([1, 2, 4, 8]), st.integers(1, 1024))
def test_more_cards_and_fewer_requests_never_take_more(cards: int, requests: int) -> None:
    facts = replace(llama(), checkpoint=None)
    one, many = (
        make_plan(facts, replace(CARD, total_bytes=160 * GIB, free_bytes=160 * GIB), wishes)
        for wishes in (
            Wishes(tensor_parallel=cards, max_num_seqs=requests, max_num_batched_tokens=2048),
            Wishes(tensor_parallel=1, max_num_seqs=requests + 8, max_num_batched_tokens=2048),
        )
    )
    assert one.weights_bytes is not None
    assert many.weights_bytes is not None
    assert one.weights_bytes.value <= many.weights_bytes.value
