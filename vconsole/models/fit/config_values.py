"""A config.json as one flat table: the text model's keys, what encloses it, and the defaults.

Configurations leave out what transformers' class of their model type assumes; those assumptions
are in `config_defaults.toml`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

NESTED = ("text_config", "llm_config", "language_config", "thinker_config")
# Keys that the enclosing table may say for the text model within it.
INHERITED = (
    *("torch_dtype", "dtype", "quantization_config", "compression_config"),
    *("tie_word_embeddings", "architectures"),
)
OTHER_NAMES = {
    "num_hidden_layers": ("n_layer", "n_layers", "num_layers"),
    "num_attention_heads": ("n_head", "n_heads"),
    "num_key_value_heads": ("num_kv_heads", "n_head_kv", "multi_query_group_num"),
    "hidden_size": ("n_embd", "d_model"),
    "intermediate_size": ("ffn_dim", "n_inner", "ffn_hidden_size"),
    "vocab_size": ("padded_vocab_size",),
    "max_position_embeddings": ("n_positions", "max_seq_len", "seq_length"),
    "num_experts": ("num_local_experts", "n_routed_experts"),
    "num_experts_per_tok": ("num_experts_per_token", "top_k_experts", "moe_top_k"),
}


def flatten(config: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of the text model, with what it inherits and what its type assumes."""
    text = _text_model(config)
    own = text if text is config else {**_only(config, INHERITED), **_said(text)}
    values = {**_defaults(_type_of(text, config)), **_said(own)}
    for key, others in OTHER_NAMES.items():
        found = next((own[name] for name in (key, *others) if own.get(name) is not None), None)
        if found is not None:
            values[key] = found
    return values


def integer(values: Mapping[str, Any], key: str) -> int | None:
    """A whole number of the table; None where it is absent or something else."""
    found = values.get(key)
    if isinstance(found, list) and found and len(set(map(str, found))) == 1:
        found = found[0]
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def first_integer(values: Mapping[str, Any], *keys: str) -> int | None:
    return next((found for key in keys if (found := integer(values, key)) is not None), None)


def _text_model(config: Mapping[str, Any]) -> Mapping[str, Any]:
    for name in NESTED:
        nested = config.get(name)
        if isinstance(nested, dict) and nested:
            return _text_model(nested)
    return config


def _type_of(text: Mapping[str, Any], config: Mapping[str, Any]) -> str:
    return str(text.get("model_type") or config.get("model_type") or "")


def _said(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if value is not None}


def _only(table: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: table[key] for key in keys if table.get(key) is not None}


def _defaults(model_type: str) -> dict[str, Any]:
    table = _all_defaults()
    found: dict[str, Any] = table.get(model_type) or table.get(f"{model_type}_text") or {}
    return found


@cache
def _all_defaults() -> dict[str, Any]:
    path = Path(__file__).with_name("config_defaults.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))
