"""How long a context a model takes, and how many positions its rotary table holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vconsole.models.fit.config_values import integer

# Their `max_position_embeddings` is scaled already (vllm/config/model.py, _get_and_verify_max_len).
SCALED_ALREADY = frozenset(
    {"su", "longrope", "llama3", "yarn", "deepseek_yarn", "mrope", "default", ""}
)


def context_length(values: Mapping[str, Any]) -> int | None:
    """The longest request that vLLM derives from the config, in tokens."""
    longest = integer(values, "model_max_length") or integer(values, "max_position_embeddings")
    scaling = _scaling(values)
    kind = str(scaling.get("rope_type") or scaling.get("type") or "")
    if longest is None:
        return None
    if kind == "longrope":
        return integer(values, "original_max_position_embeddings") or longest
    factor = scaling.get("factor")
    if kind in SCALED_ALREADY or "gemma3" in str(values.get("model_type")):
        return longest
    return int(longest * factor) if isinstance(factor, (int, float)) else longest


def rope_positions(values: Mapping[str, Any]) -> int | None:
    """Rows of the table of sines and cosines that vLLM keeps on the card; None without one."""
    longest = integer(values, "max_position_embeddings")
    scaling = _scaling(values)
    kind = str(scaling.get("rope_type") or scaling.get("type") or "")
    original, factor = integer(scaling, "original_max_position_embeddings"), scaling.get("factor")
    if kind in {"yarn", "deepseek_yarn"} and original and isinstance(factor, (int, float)):
        return int(original * factor)
    return longest


def _scaling(values: Mapping[str, Any]) -> Mapping[str, Any]:
    found = values.get("rope_scaling") or values.get("rope_parameters")
    return found if isinstance(found, dict) else {}
