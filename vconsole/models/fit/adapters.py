"""What LoRA takes: for every linear layer two matrices for each adapter that may be active.

vLLM allocates them while it loads the model, whether adapters come or not, so they are part of its
`Model loading took`. Source: vllm/lora/layers/*.py (`create_lora_weights`).
"""

from __future__ import annotations

from vconsole.models.fit.defaults import DTYPE_BYTES, Setting
from vconsole.models.fit.facts import LayerKind, ModelFacts

ATTENTION = frozenset({LayerKind.FULL, LayerKind.SLIDING, LayerKind.CHUNKED})
DEFAULT_RANK = 16
# Not every model offers its embedding to adapters, and forms of experts differ.
UNCERTAIN = 0.15


def adapter_bytes(facts: ModelFacts, setting: Setting) -> int | None:
    """Bytes on one card for all slots; None where the form of the layers is not computed."""
    if not setting.lora_slots:
        return 0
    hidden, heads, cards = facts.hidden_size, facts.attention_heads, setting.tensor_parallel
    feed_forward = _feed_forward_rows(facts, cards)
    if not (hidden and heads and facts.vocab_size) or feed_forward is None:
        return None
    rows = feed_forward
    for group in facts.layers:
        if group.kind not in ATTENTION:
            return None
        queries = heads * group.key_dim // cards
        keys = max(1, group.kv_heads // cards) * (group.key_dim + group.value_dim)
        # Input and output of the three projections, then those of the one that joins the heads.
        rows += group.count * (3 * hidden + queries + keys + queries + hidden)
    # Of the embedding and of the output layer, tied or not.
    rows += 2 * (facts.vocab_size + hidden)
    return rows * setting.lora_rank * setting.lora_slots * DTYPE_BYTES[setting.dtype]


def _feed_forward_rows(facts: ModelFacts, cards: int) -> int | None:
    """Inputs and outputs of gate, up and down of all layers, those of every expert counted."""
    hidden, layers = facts.hidden_size or 0, facts.num_layers or 0
    if not facts.experts:
        return layers * _gated(hidden, facts.intermediate_size, cards)
    if not facts.expert_intermediate_size:
        return None
    dense = facts.dense_layers * _gated(hidden, facts.intermediate_size, cards)
    shared = _gated(hidden, facts.shared_expert_intermediate_size, cards)
    one = _gated(hidden, facts.expert_intermediate_size, cards)
    return dense + (layers - facts.dense_layers) * (facts.experts * one + shared)


def _gated(hidden: int, width: int | None, cards: int) -> int:
    return 3 * hidden + 3 * width // cards if width else 0
