"""Which kind each layer of a model is, from the many ways in which a config.json says it.

Sources: transformers' configuration classes, and what vLLM 0.32's model files do with them
(vllm/model_executor/models/{gemma2,gemma3,gpt_oss,cohere,llama4,jamba,bamba,nemotron_h,lfm2}.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vconsole.models.fit.config_values import integer

Values = Mapping[str, Any]
FULL, SLIDING, CHUNKED, STATE, BOTH, NOTHING = "full", "sliding", "chunked", "state", "both", ""
WORDS = {
    **dict.fromkeys(("full_attention", "attention", "full", "global", "*"), FULL),
    **dict.fromkeys(("indexed_attention", "deepseek_sparse_attention"), FULL),
    **dict.fromkeys(("sliding_attention", "sliding", "local"), SLIDING),
    **dict.fromkeys(("chunked_attention", "chunked"), CHUNKED),
    **dict.fromkeys(("linear_attention", "mamba", "mamba2", "conv", "linear", "M"), STATE),
    **dict.fromkeys(("hybrid", "parallel_hybrid"), BOTH),
    **dict.fromkeys(("mlp", "moe", "-", "E"), NOTHING),
}
LISTS = ("layer_types", "layers_block_type", "hybrid_override_pattern")
# Every n-th layer attends to everything, the others to a window.
SLIDING_PATTERNS = {
    "gemma2": 2,
    "gemma3_text": 6,
    "gemma3": 6,
    "gemma3n_text": 5,
    "gemma4_text": 6,
    "cohere2": 4,
    "exaone4": 4,
    "olmo3": 4,
}
# Attention that vLLM serves with state of its own shape, or not as a decoder at all.
NOT_COMPUTED = frozenset(
    {
        *("deepseek_v4", "deepseek_v41", "zamba2", "plamo2", "mllama", "whisper", "t5", "bart"),
        *("bert", "roberta", "xlm-roberta", "modernbert", "minicpm_sala", "rwkv", "hy_v4"),
    }
)


def kinds(values: Values, count: int) -> list[str] | None:
    """The kind of each of `count` layers; None where this model's layers are not understood."""
    model_type = str(values.get("model_type", ""))
    if model_type in NOT_COMPUTED:
        return None
    for key in LISTS:
        if values.get(key):
            return _listed(values[key], count)
    found = _by_rule(values, model_type, count)
    return found or _by_window(values, model_type, count)


def _listed(given: Any, count: int) -> list[str] | None:
    words = [WORDS.get(str(word)) for word in list(given)[:count]]
    if len(words) < count or None in words:
        return None
    return [word for word in words if word is not None]


def _by_rule(values: Values, model_type: str, count: int) -> list[str] | None:
    """Models that name their full-attention layers by a period or by their places."""
    places = values.get("attn_layer_indices") or values.get("full_attn_idxs")
    if isinstance(places, list):
        return [FULL if layer in places else STATE for layer in range(count)]
    if isinstance(types := values.get("attn_type_list"), list):
        return [FULL if one == 1 else STATE for one in types[:count]]
    if model_type == "jamba" and (period := integer(values, "attn_layer_period")):
        offset = integer(values, "attn_layer_offset") or 0
        return [FULL if at % period == offset else STATE for at in range(count)]
    if "linear_num_value_heads" in values:
        every = integer(values, "full_attention_interval") or 4
        return [FULL if (at + 1) % every == 0 else STATE for at in range(count)]
    if model_type == "falcon_h1":
        return [BOTH] * count
    if isinstance(linear := values.get("linear_attn_config"), dict):
        full = linear.get("full_attn_layers") or ()
        return [FULL if at + 1 in full else STATE for at in range(count)]
    if model_type in {"mamba", "mamba2", "falcon_mamba"}:
        return [STATE] * count
    return None


def _by_window(values: Values, model_type: str, count: int) -> list[str]:
    """Sliding windows, alone or interleaved with full attention, and chunks."""
    window = integer(values, "sliding_window")
    if model_type == "llama4_text":
        return [FULL if (at + 1) % 4 == 0 else CHUNKED for at in range(count)]
    if not window or values.get("use_sliding_window") is False:
        return [FULL] * count
    if model_type == "gpt_oss":
        return [SLIDING if at % 2 == 0 else FULL for at in range(count)]
    if every := integer(values, "sliding_window_pattern") or SLIDING_PATTERNS.get(model_type):
        return [FULL if (at + 1) % every == 0 else SLIDING for at in range(count)]
    if values.get("use_sliding_window"):
        first = integer(values, "max_window_layers") or 0
        return [FULL if at < first else SLIDING for at in range(count)]
    if model_type.startswith(("qwen2", "qwen3")):
        return [FULL] * count
    return [SLIDING] * count
