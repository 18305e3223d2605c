"""How a checkpoint's weights are packed, from the many forms of `quantization_config`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vconsole.models.fit.facts import Quantization

# Bytes of a weight and of its scale (and zero) for each group, of what is quantised.
DEFAULT_BITS = {
    **dict.fromkeys(("fp8", "modelopt", "fbgemm_fp8", "ptpc_fp8", "experts_int8"), 8.0),
    **dict.fromkeys(("awq", "gptq", "auto-round", "bitsandbytes", "modelopt_fp4"), 4.0),
    **dict.fromkeys(("mxfp4", "gpt_oss_mxfp4"), 4.0),
}
GROUPS = {"mxfp4": 32, "modelopt_fp4": 16, "bitsandbytes": 64}
# Bits of scale and zero point that each group of weights adds.
SCALE_BITS = {"awq": 20.0, "gptq": 20.0, "auto-round": 20.0, "mxfp4": 8.0, "modelopt_fp4": 8.0}


def read_quantization(values: Mapping[str, Any]) -> Quantization | None:
    """The quantisation that the table names; None for an unquantised model."""
    given = values.get("quantization_config") or values.get("compression_config")
    if not isinstance(given, dict):
        return None
    inner = given.get("quantization")
    algorithm = str((inner or {}).get("quant_algo", "")) if isinstance(inner, dict) else ""
    algorithm = algorithm or str(given.get("quant_algo", ""))
    method = str(given.get("quant_method") or "").lower().replace("_tensors", "-tensors")
    if algorithm:
        method = "modelopt_fp4" if "FP4" in algorithm.upper() else "modelopt"
    if not method:
        return None
    if method == "compressed-tensors":
        return _compressed(given)
    bits = given.get("bits") or given.get("w_bit")
    if method == "bitsandbytes":
        bits = 8 if given.get("load_in_8bit") else 4
    size = given.get("group_size") or given.get("q_group_size") or GROUPS.get(method)
    return Quantization(
        method,
        float(bits) if isinstance(bits, (int, float)) else DEFAULT_BITS.get(method),
        size if isinstance(size, int) and size > 0 else None,
    )


def read_kv_cache_dtype(values: Mapping[str, Any]) -> str | None:
    """The KV cache's dtype that the checkpoint declares (`fp8`, `nvfp4`); None where it does not.

    Sources: vllm/utils/torch_utils.py (`get_kv_cache_quant_algo_string`) for modelopt, and
    vllm/model_executor/layers/attention/attention.py for compressed-tensors.
    """
    given = values.get("quantization_config") or values.get("compression_config")
    if not isinstance(given, dict):
        return None
    inner = given.get("quantization")
    tables = (inner if isinstance(inner, dict) else {}, given)
    for name in ("kv_cache_scheme", "kv_cache_quant_algo"):
        for table in tables:
            if said := table.get(name):
                return _kv_cache_dtype(said)
    return None


def _kv_cache_dtype(said: Any) -> str | None:
    if isinstance(said, dict):
        return {8: "fp8", 4: "nvfp4"}.get(said.get("num_bits") or 0)
    return str(said).lower() if str(said).lower() in {"fp8", "nvfp4"} else None


def bytes_per_weight(quantization: Quantization) -> float | None:
    """Bytes of one quantised weight with its share of scales; None for an unknown packing."""
    if quantization.bits is None:
        return None
    if not quantization.group_size:
        return quantization.bits / 8
    scale = SCALE_BITS.get(quantization.method, 32.0 if quantization.bits >= 8 else 16.0)
    if quantization.method == "bitsandbytes":
        scale = 32.0
    return (quantization.bits + scale / quantization.group_size) / 8


def _compressed(given: Mapping[str, Any]) -> Quantization:
    groups = given.get("config_groups")
    weights: Any = None
    if isinstance(groups, dict) and groups:
        first = next(iter(groups.values()))
        weights = first.get("weights") if isinstance(first, dict) else None
    if not isinstance(weights, dict):
        return Quantization("compressed-tensors")
    bits, size = weights.get("num_bits"), weights.get("group_size")
    if bits == 4 and weights.get("type") == "float":
        return Quantization("modelopt_fp4", 4.0, size if isinstance(size, int) else 16)
    return Quantization(
        "compressed-tensors",
        float(bits) if isinstance(bits, (int, float)) else None,
        size if isinstance(size, int) and size > 0 else None,
    )
