"""Reading a model's folder: config.json, and the headers or the index of its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from vconsole.errors import VConsoleError
from vconsole.models.fit.checkpoint import read_checkpoint
from vconsole.models.fit.config_values import first_integer, flatten, integer
from vconsole.models.fit.facts import Checkpoint, ModelFacts
from vconsole.models.fit.layers_reading import read_layers
from vconsole.models.fit.quantization import read_kv_cache_dtype, read_quantization
from vconsole.models.fit.rope import context_length, rope_positions

DTYPES = {"float": "float32", "half": "float16"}
POOLING = ("Embedding", "ForSequenceClassification", "RewardModel")
# Model types whose checkpoints carry heads that draft tokens, which a plain start leaves out.
DRAFTING = ("num_nextn_predict_layers", "mtp_num_hidden_layers")


def read_facts(folder: Path) -> ModelFacts:
    """The facts of the model in `folder`; VConsoleError where it cannot be read.

    A model that is not understood, or whose weights are not there, gives facts with unknown parts.
    """
    path = folder / "config.json"
    try:
        config = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
        _add_quantization_file(folder, config)
        facts = facts_from_config(config)
        checkpoint = read_checkpoint(folder, facts.num_layers)
    except (OSError, msgspec.MsgspecError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise VConsoleError(
            f"{path if isinstance(error, msgspec.MsgspecError) else folder}: {why}",
            "name a folder that holds a model's config.json",
            kind="model_unreadable",
        ) from None
    return replace(facts, checkpoint=checkpoint)


def facts_from_config(config: Mapping[str, Any], checkpoint_bytes: int | None = None) -> ModelFacts:
    """The facts that the keys of a Hugging Face config.json give, with the weights' size on disk.

    A catalogue's row may hold the few keys that matter (`model_type`, `num_hidden_layers`,
    `num_attention_heads`, `num_key_value_heads`, `head_dim`, `hidden_size`, `vocab_size`,
    `max_position_embeddings`, `quantization_config` ...) under the same names.
    """
    values = flatten(config)
    names = config.get("architectures") or values.get("architectures")
    architecture = str(names[0]) if isinstance(names, list) and names else None
    layers = read_layers(values)
    heads = integer(values, "num_attention_heads")
    hidden = integer(values, "hidden_size")
    experts = first_integer(values, "num_experts", "num_local_experts", "n_routed_experts")
    dtype = str(config.get("torch_dtype") or config.get("dtype") or _dtype_within(values))
    dtype = dtype.removeprefix("torch.")
    return ModelFacts(
        architecture=architecture,
        model_type=str(config.get("model_type") or values.get("model_type") or "") or None,
        hidden_size=hidden,
        intermediate_size=integer(values, "intermediate_size"),
        num_layers=integer(values, "num_hidden_layers"),
        attention_heads=heads,
        kv_heads=integer(values, "num_key_value_heads") or heads,
        head_dim=integer(values, "head_dim") or (hidden // heads if hidden and heads else None),
        vocab_size=integer(values, "vocab_size"),
        context_length=context_length(values),
        rope_positions=rope_positions(values),
        dtype=DTYPES.get(dtype, dtype) or None,
        tied_embeddings=bool(values.get("tie_word_embeddings", False)),
        experts=experts if (experts or 0) > 1 else None,
        experts_per_token=first_integer(
            values, "num_experts_per_tok", "num_experts_per_token", "top_k_experts", "moe_top_k"
        ),
        expert_intermediate_size=first_integer(
            values, "moe_intermediate_size", "ffn_hidden_size_expert", "intermediate_size"
        ),
        shared_expert_intermediate_size=_shared_experts(values),
        dense_layers=first_integer(values, "first_k_dense_replace") or 0,
        mtp_layers=first_integer(values, *DRAFTING) or 0,
        multimodal=any(key in config for key in ("vision_config", "audio_config", "visual")),
        pooling=bool(architecture and any(word in architecture for word in POOLING)),
        quantization=read_quantization(values),
        kv_cache_dtype=read_kv_cache_dtype(values),
        layers=layers or (),
        checkpoint=Checkpoint(checkpoint_bytes, source="given") if checkpoint_bytes else None,
        unknown=() if layers else (_not_understood(values, architecture),),
    )


def _not_understood(values: Mapping[str, Any], architecture: str | None) -> str:
    if not integer(values, "num_hidden_layers"):
        return "its config.json does not say how many layers it has"
    name = architecture or values.get("model_type") or "this model"
    return f"how {name} keeps its memory of tokens is not computed here"


def _dtype_within(values: Mapping[str, Any]) -> str:
    return str(values.get("torch_dtype") or values.get("dtype") or "")


def _shared_experts(values: Mapping[str, Any]) -> int | None:
    """The width of the experts that see every token."""
    if size := integer(values, "shared_expert_intermediate_size"):
        return size
    count, size = integer(values, "n_shared_experts"), integer(values, "moe_intermediate_size")
    return count * size if count and size else None


def _add_quantization_file(folder: Path, config: dict[str, Any]) -> None:
    """Older quantised models, and NVIDIA's, keep that in a file of its own."""
    for name in ("quantize_config.json", "quant_config.json", "hf_quant_config.json"):
        path = folder / name
        if "quantization_config" not in config and path.is_file():
            found = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
            defaults = {"quantize_config.json": "gptq", "quant_config.json": "awq"}
            method = defaults.get(name)
            config["quantization_config"] = {"quant_method": method, **found} if method else found
