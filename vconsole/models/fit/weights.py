"""Weights as one card holds them: what is stored, less what is not loaded, cast, split and padded.

Source: vLLM's `Model loading took` counts tensors as loaded (vllm/v1/worker/gpu_model_runner.py,
load_model), which on the CPU back-end it does not print.
"""

from __future__ import annotations

from dataclasses import dataclass

from vconsole.models.fit.adapters import UNCERTAIN, adapter_bytes
from vconsole.models.fit.allocator import allocator_bytes
from vconsole.models.fit.defaults import DTYPE_BYTES, Setting
from vconsole.models.fit.facts import Checkpoint, LayerKind, ModelFacts
from vconsole.models.fit.parameters import count_parameters, expert_parameters
from vconsole.models.fit.plan import Band
from vconsole.models.fit.quantization import bytes_per_weight

GIB = 2**30
SPLIT_BY_CARDS = frozenset({"linear", "expert", "embedding", "lm_head", "vision"})
# Relative uncertainty by what is known: each tensor, a total, a count of parameters.
HEADERS, TOTAL, COUNTED = 0.006, 0.012, 0.035
# Kernels of packed integers keep a workspace and permuted scales beside the weights.
PACKED_EXTRA = {"awq": 1.012, "gptq": 1.012, "auto-round": 1.012, "compressed-tensors": 1.006}
# Weights that are packed while they are loaded, and the bytes of one then.
ONLINE_BYTES = {"fp8": 1.0, "bitsandbytes": 0.5625, "experts_int8": 1.0}


@dataclass(frozen=True, slots=True)
class Weights:
    """Bytes on one card, and how they came about."""

    size: Band
    text: str
    source: str


def loaded_weights(facts: ModelFacts, setting: Setting) -> Weights | None:
    """The weights on one card; None where neither the files nor the form of the model are known."""
    if facts.checkpoint is not None:
        whole = _from_checkpoint(facts, facts.checkpoint, setting)
        share = HEADERS if facts.checkpoint.groups else TOTAL
        if "mtp" in facts.checkpoint.roles and not facts.checkpoint.groups:
            share = COUNTED
        source = facts.checkpoint.source
    else:
        counted = _from_count(facts, setting)
        if counted is None:
            return None
        whole, share, source = counted, COUNTED, "counted from config.json"
    adapters = adapter_bytes(facts, setting)
    if adapters is None:
        return None
    whole -= min(setting.offloaded_bytes * setting.tensor_parallel, whole)
    tables = _rotary_tables(facts)
    if not setting.quantization:
        width = DTYPE_BYTES[setting.dtype]
        tables += allocator_bytes(facts, setting.tensor_parallel, width)
    size = round(whole / setting.tensor_parallel + tables + adapters)
    unsure = round(size * share + adapters * UNCERTAIN)
    text = f"{whole / GIB:.2f} GiB"
    if setting.offloaded_bytes:
        text += f" without {setting.offloaded_bytes / GIB:.2f} in the host's memory"
    if setting.tensor_parallel > 1:
        text += f" / {setting.tensor_parallel} cards"
    if tables:
        text += f" + rotary tables {tables / GIB:.3f} GiB"
    if adapters:
        slots = f"{setting.lora_slots} adapters of rank {setting.lora_rank}"
        text += f" + {slots} {adapters / GIB:.3f} GiB"
    return Weights(
        Band(size, size - unsure, size + unsure),
        f"{text} = {size / GIB:.2f} GiB",
        source,
    )


def _from_checkpoint(facts: ModelFacts, checkpoint: Checkpoint, setting: Setting) -> float:
    extra = _packed_extra(facts)
    if not checkpoint.groups:
        return _from_total(facts, checkpoint, setting) * extra + _padding(facts, setting)
    total = 0.0
    for group in checkpoint.groups:
        if group.role == "mtp" or (group.role == "lm_head" and facts.tied_embeddings):
            continue
        size = group.stored_bytes * _cast(facts, group.dtype, setting)
        if group.role in {"linear", "expert"}:
            size *= _online(facts, setting, group.role)
        copies = 1 if group.role in SPLIT_BY_CARDS else setting.tensor_parallel
        total += size * copies
    return total * extra + _padding(facts, setting)


def _from_total(facts: ModelFacts, checkpoint: Checkpoint, setting: Setting) -> float:
    total = float(checkpoint.stored_bytes)
    embedding = (facts.vocab_size or 0) * (facts.hidden_size or 0)
    width = 4 if facts.dtype == "float32" else 2
    if facts.tied_embeddings and "lm_head" in checkpoint.roles:
        total -= embedding * width
    total -= _drafting_bytes(facts, checkpoint, total - embedding * width)
    if facts.quantization is None:
        total *= DTYPE_BYTES[setting.dtype] / width
        packed = total - embedding * DTYPE_BYTES[setting.dtype] * (2 - facts.tied_embeddings)
        total -= packed * (1 - _online(facts, setting, "linear"))
    return total


def _drafting_bytes(facts: ModelFacts, checkpoint: Checkpoint, layers_bytes: float) -> float:
    """What heads that draft tokens take, as so many layers more: a plain start leaves them out.

    Where only a size is known they may have been left out by whoever packed the checkpoint: half.
    """
    if not facts.mtp_layers or not facts.num_layers:
        return 0.0
    if checkpoint.roles and "mtp" not in checkpoint.roles:
        return 0.0
    share = facts.mtp_layers / (facts.num_layers + facts.mtp_layers)
    return max(0.0, layers_bytes) * share * (1.0 if checkpoint.roles else 0.5)


def _from_count(facts: ModelFacts, setting: Setting) -> float | None:
    parameters = count_parameters(facts)
    if parameters is None:
        return None
    width = float(DTYPE_BYTES[setting.dtype])
    packing = facts.quantization
    if packing is None:
        packed = width * _online(facts, setting, "linear")
        return parameters.embedding * width + parameters.linear * packed
    packed_width = bytes_per_weight(packing)
    if packed_width is None:
        return None
    if packing.method == "mxfp4":
        plain = parameters.total - parameters.experts
        return plain * width + parameters.experts * packed_width + _padding(facts, setting)
    return (parameters.embedding * width + parameters.linear * packed_width) * _packed_extra(facts)


def _cast(facts: ModelFacts, stored: str, setting: Setting) -> float:
    """How much wider a tensor is once loaded; packed checkpoints keep their dtypes."""
    if facts.quantization is not None or stored not in {"F32", "F16", "BF16"}:
        return 1.0
    return DTYPE_BYTES[setting.dtype] / DTYPE_BYTES[stored]


def _online(facts: ModelFacts, setting: Setting, role: str) -> float:
    """How much smaller linear layers get by a quantisation that happens while loading."""
    width = ONLINE_BYTES.get(setting.quantization or "")
    if width is None or facts.quantization is not None:
        return 1.0
    if setting.quantization == "experts_int8" and role != "expert":
        return 1.0
    return width / DTYPE_BYTES[setting.dtype]


def _packed_extra(facts: ModelFacts) -> float:
    packing = facts.quantization
    if packing is None or packing.bits is None or packing.bits > 4:
        return 1.0
    return PACKED_EXTRA.get(packing.method, 1.0)


def _padding(facts: ModelFacts, setting: Setting) -> float:
    """MXFP4 experts are padded: their width to 128, the hidden size to 256 (mxfp4.py)."""
    packing, width, hidden = facts.quantization, facts.expert_intermediate_size, facts.hidden_size
    if packing is None or packing.method != "mxfp4" or not width or not hidden:
        return 0.0
    cards = setting.tensor_parallel
    padded = _rounded_up(-(-width // cards), 128) * cards * _rounded_up(hidden, 256)
    per_weight = bytes_per_weight(packing) or 0.0
    return expert_parameters(facts) * per_weight * (padded / (width * hidden) - 1)


def _rounded_up(number: int, step: int) -> int:
    return -(-number // step) * step


def _rotary_tables(facts: ModelFacts) -> int:
    """Sines and cosines for each position, in the model's dtype: once for each kind of layer."""
    kinds = {g.kind for g in facts.layers if g.kind in (LayerKind.FULL, LayerKind.SLIDING)}
    dims = [group.key_dim for group in facts.layers if group.kind in kinds]
    if not facts.rope_positions or not dims:
        return 0
    tables = len(kinds) if str(facts.model_type).startswith("gemma3") else 1
    return facts.rope_positions * max(dims) * 2 * tables
