"""What a start takes of its share beside weights and KV cache, and how far that may be wrong.

The peak of vLLM's profiling run is the larger of a forward pass over a full batch and of its dummy
sampling for a full house of requests (gpu_model_runner.py: profile_run, _dummy_sampler_run). To it
come allocations outside of PyTorch, and from 0.21 on the CUDA graphs. Constants are fitted to
measured starts; `python -m tests.bench fit` prints the residuals.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from vconsole.models.fit.defaults import GIB, TOKENS_BY_REQUESTS, Setting, Version
from vconsole.models.fit.facts import LayerKind, ModelFacts
from vconsole.models.fit.plan import Band, Card

MIB = 2**20
# Bytes per request and word of the vocabulary: PyTorch's sorting sampler, and FlashInfer's.
NATIVE_SAMPLER, FUSED_SAMPLER = 38.5, 14.0
# Where the version is not told the first is taken: most published starts are older, and with their
# compilation and graphs the newest end within 0.2 GiB of it, cards with 1,024 requests apart.
FUSED_SINCE = (0, 16)
# Starts with few requests or without graphs differ between old and new versions by what the newer
# compile and sample otherwise; where nobody tells the version the middle of these two is taken.
OLDER, NEWER, FEW_REQUESTS = Version(0, 10), Version(0, 28), 256
# Families that no older version serves, so that a version that nobody told is a newer one.
YOUNG = re.compile(
    "gemma4|qwen3_5|qwen4|glm5|glm_moe_dsa|deepseek_v4|minimax_m3|hy_v4|laguna|inkling|kimi_k[23]"
)
# Outside of PyTorch, and what a compilation leaves behind.
BASE_BYTES = 60 * MIB
COMPILED_BYTES = 550 * MIB
COMPILED_SINCE = (0, 21)
PER_CARD_OF_SEVERAL_BYTES = 100 * MIB
GRAPH_BYTES = 10 * MIB
VISION_BYTES = 600 * MIB
# Where the card's memory is the host's, vLLM counts what its own and other programs take while it
# starts: published starts of a GB10 lost up to this much more than cards with memory of their own.
UNIFIED_BYTES = 4 * GIB


@dataclass(frozen=True, slots=True)
class Overhead:
    """Bytes on one card, and how they came about."""

    size: Band
    text: str


def expected_overhead(facts: ModelFacts, card: Card, setting: Setting) -> Overhead:
    """What the profiling run will find, with a band that is wider where less was measured."""
    if not setting.version.known and YOUNG.match(facts.model_type or ""):
        return _of_version(facts, card, replace(setting, version=NEWER))
    if setting.version.known or not (setting.eager or setting.max_num_seqs < FEW_REQUESTS):
        return _of_version(facts, card, setting)
    older, newer = (
        _of_version(facts, card, replace(setting, version=version)) for version in (OLDER, NEWER)
    )
    sizes = (older.size, newer.size)
    middle = sum(each.value for each in sizes) // 2
    band = Band(middle, min(each.low for each in sizes), max(each.high for each in sizes))
    text = (
        f"between vLLM {OLDER.major}.{OLDER.minor} ({older.text}) and "
        f"{NEWER.major}.{NEWER.minor} ({newer.text})"
    )
    return Overhead(band, text)


def _of_version(facts: ModelFacts, card: Card, setting: Setting) -> Overhead:
    sampling = _sampling(facts, setting)
    forward = _forward(facts, setting)
    peak = max(sampling, forward)
    graphs = _graphs(setting)
    base = _base(facts, setting)
    size = round(peak + graphs + base)
    what = "sampling" if sampling >= forward else "the forward pass"
    text = (
        f"peak of {what} {_gib(peak)} (sampling {_gib(sampling)}, forward {_gib(forward)}) "
        f"+ CUDA graphs {_gib(graphs)} + the rest {_gib(base)} = {_gib(size)}"
    )
    down, up = _spread(facts, card, setting, size)
    return Overhead(Band(size, max(50 * MIB, round(size - down)), round(size + up)), text)


def _sampling(facts: ModelFacts, setting: Setting) -> float:
    if facts.pooling or not facts.vocab_size:
        return 0.0
    return _bytes_per_word(setting) * setting.max_num_seqs * facts.vocab_size


def _bytes_per_word(setting: Setting) -> float:
    fused = setting.version.known and setting.version >= FUSED_SINCE
    return FUSED_SAMPLER if fused else NATIVE_SAMPLER


def _forward(facts: ModelFacts, setting: Setting) -> float:
    """Gate, up and their product of one layer for a full batch, beside the hidden states."""
    hidden, width = facts.hidden_size or 0, facts.intermediate_size or 0
    if facts.experts and facts.expert_intermediate_size:
        width = facts.expert_intermediate_size * (facts.experts_per_token or 1)
        hidden += hidden * (facts.experts_per_token or 1) // 2
    per_token = 3 * width / setting.tensor_parallel + 4 * hidden
    return setting.max_num_batched_tokens * per_token * 2


def capture_sizes(max_num_seqs: int) -> int:
    """How many batch sizes get a CUDA graph (vllm/config/vllm.py, _set_cudagraph_sizes)."""
    largest = min(2 * max_num_seqs, 512)
    sizes = [size for size in (1, 2, 4) if size <= largest]
    eights = range(8, min(largest + 1, 256), 8)
    return len(sizes) + len(eights) + len(range(256, largest + 1, 16))


def _graphs(setting: Setting) -> float:
    if setting.eager or setting.version < TOKENS_BY_REQUESTS or not setting.version.known:
        return 0.0
    return GRAPH_BYTES * capture_sizes(setting.max_num_seqs)


def _base(facts: ModelFacts, setting: Setting) -> float:
    base = float(BASE_BYTES)
    if setting.version.known and setting.version >= COMPILED_SINCE and not setting.eager:
        base += COMPILED_BYTES
    if setting.tensor_parallel > 1:
        base += PER_CARD_OF_SEVERAL_BYTES
    if facts.multimodal:
        base += VISION_BYTES
    return base


def _spread(facts: ModelFacts, card: Card, setting: Setting, size: float) -> tuple[float, float]:
    """How far below and above it may lie: from residuals, more where little was measured.

    Since compilation and graphs are part of it, a warm cache of compiled kernels makes up to a
    GiB of difference at equal settings.
    """
    if not setting.version.known:
        down, up = 0.62 * size, 0.3 * GIB + 0.2 * size
    elif setting.version >= TOKENS_BY_REQUESTS:
        down, up = 0.30 * GIB + 0.4 * size, 0.35 * GIB + 0.2 * size
    else:
        down, up = 0.10 * GIB + 0.1 * size, 0.15 * GIB + 0.1 * size
    if not set(group.kind for group in facts.layers) <= {LayerKind.FULL}:
        up += 0.4 * GIB
    if facts.multimodal:
        down, up = down + 0.3 * GIB, up + 0.5 * GIB
    if card.is_unified:
        up += UNIFIED_BYTES
    if setting.lora_slots:
        # Graphs are captured with adapters and without.
        up += _graphs(setting) + 0.2 * GIB
    if setting.tensor_parallel > 1:
        up += 0.2 * GIB
    return min(down, 0.9 * size), up


def _gib(size: float) -> str:
    return f"{size / GIB:.2f}"
