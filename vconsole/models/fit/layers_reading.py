"""From a config's table to the groups of equal layers that remember tokens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from vconsole.models.fit import layer_kinds
from vconsole.models.fit.config_values import first_integer, integer
from vconsole.models.fit.facts import LayerGroup, LayerKind
from vconsole.models.fit.state_layers import state_of

Values = Mapping[str, Any]
# vllm/transformers_utils/model_arch_config_convertor.py, `is_deepseek_mla`
MLA_TYPES = frozenset(
    {
        *("deepseek_v2", "deepseek_v3", "deepseek_v32", "deepseek_mtp", "glm_moe_dsa", "hy_v4"),
        *("glm4_moe_lite", "kimi_k2", "kimi_linear", "longcat_flash", "pangu_ultra_moe"),
        *("axk1", "dots3_note", "bailing_hybrid"),
    }
)
SPARSE_TYPES = frozenset({"deepseek_v32", "glm_moe_dsa"})
# A token's key in the indexer of sparse MLA: 128 bytes of fp8 and a scale of four.
INDEX_BYTES = 132
# No model comes near; a number beyond is damage, and would be counted one by one.
MOST_LAYERS = 10_000
# What a single layer may have of its own, in a configuration of unequal layers.
SHAPES = ("head_dim", "num_key_value_heads", "num_attention_heads", "sliding_window")


def read_layers(values: Values) -> tuple[LayerGroup, ...] | None:
    """The groups of layers; None where this model is not understood."""
    count = integer(values, "num_hidden_layers")
    heads = integer(values, "num_attention_heads")
    if not count or count > MOST_LAYERS:
        return None
    if blocks := values.get("block_configs"):
        return _varied_heads(values, blocks, heads)
    found = layer_kinds.kinds(values, count)
    if found is None:
        return None
    found = found[: count - (integer(values, "num_kv_shared_layers") or 0)]
    groups = [
        _group(own, kind, number)
        for own, tally in _differing(values, found)
        for kind, number in _parts(tally)
    ]
    if None in groups:
        return None
    return _sparse(values, tuple(group for group in groups if group is not None))


def _differing(values: Values, kinds: list[str]) -> list[tuple[Values, Counter[str]]]:
    """The kinds of layers by the values that hold for them: `per_layer_config` may change some."""
    changes = _changes(values)
    if not changes:
        return [(values, Counter(kinds))]
    tallies: dict[tuple[tuple[str, Any], ...], Counter[str]] = {}
    for at, kind in enumerate(kinds):
        own = changes.get(at, {})
        key = tuple((name, own[name]) for name in SHAPES if integer(own, name))
        tallies.setdefault(key, Counter())[kind] += 1
    plain = {**values, "global_head_dim": None} if "per_layer_config" in values else values
    return [({**plain, **dict(key)}, tally) for key, tally in tallies.items()]


def _changes(values: Values) -> dict[int, Values]:
    """What single layers have of their own, by their number."""
    given, heads = values.get("per_layer_config"), values.get("num_key_value_heads")
    if isinstance(given, dict):
        return {int(at): own for at, own in given.items() if isinstance(own, dict) and at.isdigit()}
    if isinstance(heads, list):
        return {at: {"num_key_value_heads": number} for at, number in enumerate(heads)}
    return {}


def _parts(tally: Counter[str]) -> list[tuple[str, int]]:
    """Layers that hold both attention and state count as one of each."""
    both = tally.pop(layer_kinds.BOTH, 0)
    tally.pop(layer_kinds.NOTHING, 0)
    for kind in (layer_kinds.FULL, layer_kinds.STATE) if both else ():
        tally[kind] += both
    return list(tally.items())


def _group(values: Values, kind: str, count: int) -> LayerGroup | None:
    if kind == layer_kinds.STATE:
        state = state_of(values)
        return LayerGroup(LayerKind.STATE, count, state=state) if state else None
    if kind == layer_kinds.FULL and is_mla(values):
        latent = integer(values, "kv_lora_rank") or 0
        rotary = integer(values, "qk_rope_head_dim") or 0
        return LayerGroup(LayerKind.MLA, count, 1, latent + rotary)
    shape = _full_shape(values) if kind == layer_kinds.FULL else _shape(values)
    if shape is None:
        return None
    kv_heads, dim = shape
    value_dim = integer(values, "v_head_dim") if str(values.get("model_type")) == "mimo_v2" else dim
    window = {layer_kinds.SLIDING: "sliding_window", layer_kinds.CHUNKED: "attention_chunk_size"}
    kinds = {layer_kinds.SLIDING: LayerKind.SLIDING, layer_kinds.CHUNKED: LayerKind.CHUNKED}
    return LayerGroup(
        kinds.get(kind, LayerKind.FULL),
        count,
        kv_heads,
        dim,
        value_dim or dim,
        integer(values, window[kind]) if kind in window else None,
    )


def is_mla(values: Values) -> bool:
    """Whether vLLM keeps one latent vector a token (a `kv_lora_rank` in a type that it knows)."""
    return str(values.get("model_type")) in MLA_TYPES and bool(integer(values, "kv_lora_rank"))


def _shape(values: Values) -> tuple[int, int] | None:
    """KV heads and head dimension of a layer."""
    heads, hidden = integer(values, "num_attention_heads"), integer(values, "hidden_size")
    if not heads:
        return None
    if values.get("model_type") == "minicpm3":
        # Projected from a latent vector, but kept whole for each head (models/minicpm3.py).
        parts = [integer(values, name) or 0 for name in ("qk_nope_head_dim", "qk_rope_head_dim")]
        return heads, sum(parts)
    falcon_multi_query = values.get("multi_query") and not values.get("new_decoder_architecture")
    kv_heads = 1 if falcon_multi_query else integer(values, "num_key_value_heads") or heads
    dim = first_integer(values, "head_dim", "hidden_size_per_head", "attention_head_dim")
    dim = dim or ((hidden or 0) // heads)
    return (kv_heads, dim) if dim else None


def _full_shape(values: Values) -> tuple[int, int] | None:
    """Gemma 4's full-attention layers have fewer and wider heads than its others."""
    shape = _shape(values)
    wide = integer(values, "global_head_dim")
    if not shape or not wide or not integer(values, "sliding_window"):
        return shape
    fewer = first_integer(values, "num_global_key_value_heads")
    return (fewer if fewer and values.get("attention_k_eq_v") is not False else shape[0]), wide


def _varied_heads(values: Values, blocks: Any, heads: int | None) -> tuple[LayerGroup, ...] | None:
    """Models pruned by search: each block has its own number of heads, or no attention."""
    shape = _shape(values)
    if not shape or not heads or not isinstance(blocks, list):
        return None
    tally: Counter[int] = Counter()
    for block in blocks:
        attention = block.get("attention") if isinstance(block, dict) else None
        if not isinstance(attention, dict):
            return None
        if in_group := integer(attention, "n_heads_in_group"):
            tally[heads // in_group] += 1
    dim = shape[1]
    return tuple(
        LayerGroup(LayerKind.FULL, count, kv_heads, dim, dim) for kv_heads, count in tally.items()
    )


def _sparse(values: Values, groups: tuple[LayerGroup, ...]) -> tuple[LayerGroup, ...]:
    """Sparse MLA keeps a second, small cache for its indexer: in bytes, so of no KV dtype."""
    if str(values.get("model_type")) not in SPARSE_TYPES:
        return groups
    layers = sum(group.count for group in groups)
    return (*groups, LayerGroup(LayerKind.MLA, layers, 0, INDEX_BYTES))
