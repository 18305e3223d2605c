"""The state that a recurrent layer keeps for each request, whatever its length.

Shapes and dtypes as vLLM 0.32 has them (vllm/model_executor/layers/mamba/mamba_utils.py, and
`get_mamba_state_shape_from_config` of each model).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vconsole.models.fit.config_values import first_integer, integer
from vconsole.models.fit.facts import StateTensor

Values = Mapping[str, Any]


def state_of(values: Values) -> tuple[StateTensor, ...] | None:
    """The state tensors of one recurrent layer; None for a kind that is not understood."""
    model_type = str(values.get("model_type", ""))
    if "linear_num_value_heads" in values:
        return _gated_delta_net(values)
    if isinstance(linear := values.get("linear_attn_config"), dict):
        return _kimi_delta_attention(linear)
    if model_type == "kimi_linear":
        names = ("linear_num_heads", "linear_head_dim", "linear_conv_kernel_dim")
        kimi = ("num_heads", "head_dim", "short_conv_kernel_size")
        return _kimi_delta_attention(dict(zip(kimi, map(values.get, names), strict=True)))
    if model_type in {"lfm2", "lfm2_moe"}:
        return _short_convolution(values)
    if model_type in {"jamba", "mamba", "falcon_mamba"}:
        return _mamba1(values)
    return _mamba2(values, model_type)


def _gated_delta_net(values: Values) -> tuple[StateTensor, ...] | None:
    names = ("linear_num_key_heads", "linear_num_value_heads", "linear_key_head_dim")
    numbers = [integer(values, name) for name in (*names, "linear_value_head_dim")]
    if None in numbers:
        return None
    key_heads, value_heads, key_dim, value_dim = (number or 0 for number in numbers)
    kernel = integer(values, "linear_conv_kernel_dim") or 4
    convolved = 2 * key_heads * key_dim + value_heads * value_dim
    said = values.get("mamba_ssm_dtype")
    return (
        StateTensor(convolved * (kernel - 1)),
        StateTensor(value_heads * value_dim * key_dim, str(said) if said else None),
    )


def _kimi_delta_attention(linear: Mapping[str, Any]) -> tuple[StateTensor, ...] | None:
    heads, dim = integer(linear, "num_heads"), integer(linear, "head_dim")
    if not heads or not dim:
        return None
    kernel = integer(linear, "short_conv_kernel_size") or 4
    return StateTensor(3 * heads * dim * (kernel - 1)), StateTensor(heads * dim * dim, "float32")


def _short_convolution(values: Values) -> tuple[StateTensor, ...] | None:
    width, kernel = (
        first_integer(values, "conv_dim", "hidden_size"),
        integer(values, "conv_L_cache"),
    )
    return (StateTensor(width * (kernel - 1)),) if width and kernel else None


def _mamba1(values: Values) -> tuple[StateTensor, ...] | None:
    hidden = integer(values, "hidden_size")
    expand = first_integer(values, "mamba_expand", "expand") or 2
    state = first_integer(values, "mamba_d_state", "state_size") or 16
    kernel = first_integer(values, "mamba_d_conv", "conv_kernel") or 4
    if not hidden:
        return None
    return StateTensor(expand * hidden * (kernel - 1)), StateTensor(expand * hidden * state)


def _mamba2(values: Values, model_type: str) -> tuple[StateTensor, ...] | None:
    # A model of nothing else calls its heads and its state just so.
    alone = model_type == "mamba2"
    own = ("num_heads", "head_dim", "state_size") if alone else ("", "", "")
    heads = first_integer(values, "mamba_n_heads", "mamba_num_heads", own[0])
    dim = first_integer(values, "mamba_d_head", "mamba_head_dim", own[1])
    size = first_integer(values, "mamba_d_state", "ssm_state_size", own[2])
    kernel = first_integer(values, "mamba_d_conv", "conv_kernel")
    groups = first_integer(values, "mamba_n_groups", "n_groups")
    hidden = integer(values, "hidden_size")
    if not (heads and size and kernel and groups and hidden):
        return None
    if not dim:
        dim = (integer(values, "mamba_expand") or 2) * hidden // heads
    inner = integer(values, "mamba_d_ssm") or heads * dim
    ssm = "float32" if model_type.startswith("nemotron") else None
    said = values.get("mamba_ssm_cache_dtype") if ssm else None
    return (
        StateTensor(inner * (kernel - 1), None, groups, 2 * size * (kernel - 1)),
        StateTensor(heads * dim * size, str(said) if said else ssm),
    )
