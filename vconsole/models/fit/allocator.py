"""What PyTorch's allocator adds to the weights: memory that belongs to a tensor beyond its end.

A tensor of 10 MiB or more gets a segment of its own, rounded up to 2 MiB; a remainder of at most
1 MiB is not given to anybody else and counts as the tensor's. Source: PyTorch's
c10/cuda/CUDACachingAllocator.cpp (`get_allocation_size`, `should_split`). vLLM's `Model loading
took` counts it: 56 MiB of Qwen2.5-7B's 14.25 GiB, none of Llama 3.1 8B's.
"""

from __future__ import annotations

from vconsole.models.fit.facts import LayerKind, ModelFacts

MIB = 1 << 20
OWN_SEGMENT_BYTES, SEGMENT_STEP_BYTES, LARGEST_REMAINDER_BYTES = 10 * MIB, 2 * MIB, MIB
ATTENTION = frozenset({LayerKind.FULL, LayerKind.SLIDING, LayerKind.CHUNKED})


def added_bytes(tensor_bytes: int) -> int:
    """What one tensor of this size holds beyond its end."""
    if tensor_bytes < OWN_SEGMENT_BYTES:
        return 0
    remainder = -tensor_bytes % SEGMENT_STEP_BYTES
    return remainder if remainder <= LARGEST_REMAINDER_BYTES else 0


def allocator_bytes(facts: ModelFacts, tensor_parallel: int, weight_bytes: int) -> int:
    """What the layers' matrices hold beyond their ends on one card, at `weight_bytes` a weight.

    Of dense models with gated feed-forward networks whose weights are as wide as they are stored;
    packed ones are taken apart and put together while they are loaded, so their count is 0.
    """
    hidden, width, heads = facts.hidden_size, facts.intermediate_size, facts.attention_heads
    if facts.quantization or facts.experts or not (hidden and width and heads):
        return 0
    total = 0
    for group in facts.layers:
        if group.kind not in ATTENTION:
            return 0
        rows = heads * group.key_dim // tensor_parallel
        kv_rows = max(1, group.kv_heads // tensor_parallel) * (group.key_dim + group.value_dim)
        gated = width // tensor_parallel
        sizes = ((rows + kv_rows) * hidden, rows * hidden, 2 * gated * hidden, gated * hidden)
        total += group.count * sum(added_bytes(size * weight_bytes) for size in sizes)
    return total
