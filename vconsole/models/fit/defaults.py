"""What vLLM assumes where the command line is silent, by version and by card.

Sources: vllm/engine/arg_utils.py (`getbatch_defaults`), vllm/config/cache.py, config/vllm.py
(`max_in_flight_tokens`) and platforms/cpu.py of 0.32; older versions from what their logs printed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from vconsole.models.fit.facts import LayerKind, ModelFacts
from vconsole.models.fit.plan import Card, Wishes

GIB = 2**30
# From these on: utilisation 0.92; tokens printed by whole requests and graphs subtracted; the
# sampler's dummy run of the second model runner.
RAISED_UTILIZATION = (0, 22)
TOKENS_BY_REQUESTS = (0, 21)
ALIGNED_STATES = (0, 21)
# Before this, older cards ran the first engine, which took a whole prompt in one batch.
V1_ONLY = (0, 11)
GPU_BLOCK, CPU_BLOCK = 16, 128
# Large memories that vLLM does not take for large cards.
SMALL_DEFAULTS = ("a100", "gb10", "thor")
DTYPE_BYTES = {
    **dict.fromkeys(("float32", "F32", "fp32"), 4),
    **dict.fromkeys(("bfloat16", "float16", "half", "BF16", "F16", "auto"), 2),
    **dict.fromkeys(("fp8", "fp8_e4m3", "fp8_e5m2", "fp8_inc", "int8"), 1),
}
# Four bits and a scale of eight for each sixteen (vllm/utils/torch_utils.py,
# `nvfp4_kv_cache_full_dim`).
PACKED_KV_BYTES = dict.fromkeys(("nvfp4", "nvfp4_4over6"), 0.5625)


class Version(NamedTuple):
    """vLLM's, comparable with (major, minor); `known` is False where nobody told it."""

    major: int
    minor: int
    known: bool = True


NEWEST = Version(0, 32, known=False)


@dataclass(frozen=True, slots=True)
class Setting:
    """One start, every figure decided: what the user pinned, and vLLM's defaults for the rest."""

    version: Version
    tensor_parallel: int
    utilization: float
    max_model_len: int
    max_num_seqs: int
    max_num_batched_tokens: int
    dtype: str
    kv_dtype: str
    quantization: str | None
    eager: bool
    is_cpu: bool
    block_size: int
    kv_cache_memory_bytes: int | None = None
    lora_slots: int = 0
    lora_rank: int = 0
    offloaded_bytes: int = 0

    @property
    def tokens_by_requests(self) -> bool:
        """Whether this version prints tokens as concurrency times the length of a request."""
        return self.version >= TOKENS_BY_REQUESTS

    @property
    def in_flight_tokens(self) -> int:
        """Scheduled and not yet settled: two batches since scheduling is asynchronous."""
        batches = 2 if self.tokens_by_requests and not self.is_cpu else 1
        return batches * self.max_num_batched_tokens

    @property
    def states_per_request(self) -> int:
        """Pages of a recurrent layer: prefix caching keeps one more at the last whole block."""
        return 2 if self.version >= ALIGNED_STATES else 1


def version_of(text: str | None) -> Version:
    """That of `0.32.0+cpu`; where there is none the newest, marked as not known."""
    found = re.match(r"v?(\d+)\.(\d+)", text or "")
    return Version(int(found[1]), int(found[2])) if found else NEWEST


def default_utilization(version: Version) -> float:
    return 0.92 if version >= RAISED_UTILIZATION else 0.9


def settle(
    facts: ModelFacts, card: Card, wishes: Wishes, version: Version, max_model_len: int
) -> Setting:
    """The start that these wishes describe, at a given length of request."""
    tensor_parallel = wishes.tensor_parallel or 1
    seqs, tokens = batch_defaults(card, tensor_parallel, version)
    if _runs_first_engine(card, version):
        tokens = max(tokens, max_model_len)
    if wishes.max_num_batched_tokens:
        tokens = wishes.max_num_batched_tokens
    else:
        tokens = min(tokens, (wishes.max_num_seqs or seqs) * max_model_len)
    seqs = wishes.max_num_seqs or min(seqs, tokens)
    return Setting(
        version=version,
        tensor_parallel=tensor_parallel,
        utilization=wishes.gpu_memory_utilization or default_utilization(version),
        max_model_len=max_model_len,
        max_num_seqs=seqs,
        max_num_batched_tokens=tokens,
        dtype=compute_dtype(facts, card, wishes),
        kv_dtype=_kv_dtype(facts, wishes),
        quantization=wishes.quantization,
        eager=bool(wishes.enforce_eager),
        is_cpu=card.is_cpu,
        block_size=_block_size(facts, card),
        kv_cache_memory_bytes=wishes.kv_cache_memory_bytes,
        lora_slots=wishes.lora_slots or 0,
        lora_rank=wishes.lora_rank or 0,
        offloaded_bytes=wishes.offloaded_bytes or 0,
    )


def _runs_first_engine(card: Card, version: Version) -> bool:
    """Whether whole prompts are one batch: older cards before 0.11, which the oldest need."""
    if card.capability is None:
        return False
    if not version.known:
        return card.capability < (7, 5)
    return version < V1_ONLY and card.capability < (8, 0)


def compute_dtype(facts: ModelFacts, card: Card, wishes: Wishes) -> str:
    """What vLLM computes in: `auto` takes the config's, but half of float32's width."""
    if wishes.dtype and wishes.dtype != "auto":
        return {"half": "float16", "float": "float32"}.get(wishes.dtype, wishes.dtype)
    if facts.dtype in {"float16", "bfloat16"}:
        return facts.dtype
    return "bfloat16"


def _kv_dtype(facts: ModelFacts, wishes: Wishes) -> str:
    """What was asked for, else what the checkpoint declares, else the model's own."""
    if wishes.kv_cache_dtype and wishes.kv_cache_dtype != "auto":
        return wishes.kv_cache_dtype
    return facts.kv_cache_dtype or "auto"


def kv_dtype_bytes(setting: Setting) -> float | None:
    """Bytes of a KV cache element; None for a packing whose scales are not computed here."""
    name = setting.dtype if setting.kv_dtype == "auto" else setting.kv_dtype
    return PACKED_KV_BYTES.get(name) or DTYPE_BYTES.get(name)


def batch_defaults(card: Card, world_size: int, version: Version) -> tuple[int, int]:
    """(max_num_seqs, max_num_batched_tokens) of the API server."""
    if card.is_cpu:
        return 128 * world_size, 2048 * world_size
    name = card.name.lower()
    if card.total_bytes >= 160 * GIB and "gb10" not in name and version >= (0, 21):
        return 1024, 16384
    if card.total_bytes >= 70 * GIB and not any(word in name for word in SMALL_DEFAULTS):
        return 1024, 8192
    return 256, 2048


def _block_size(facts: ModelFacts, card: Card) -> int:
    latent = any(group.kind is LayerKind.MLA for group in facts.layers)
    if card.is_cpu:
        return GPU_BLOCK if latent else CPU_BLOCK
    if latent and card.capability and card.capability[0] >= 9:
        return 64 if card.capability[0] == 9 else 128
    return GPU_BLOCK
