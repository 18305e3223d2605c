"""Counting the weights from the config alone, for models whose files are not there.

Only decoders of the common form are counted (gated feed-forward networks or experts of them, and
attention with separate or grouped heads); anything else is None rather than a guess.
"""

from __future__ import annotations

from dataclasses import dataclass

from vconsole.models.fit.facts import LayerKind, ModelFacts

# Model types with three matrices in a feed-forward network and no other large tensors.
COUNTED = frozenset(
    {
        *("llama", "mistral", "mixtral", "qwen2", "qwen3", "qwen2_moe", "qwen3_moe", "phi3"),
        *("gemma", "gemma2", "gemma3_text", "olmo2", "olmo3", "gpt_oss", "granite", "ministral3"),
        *("smollm3", "exaone4", "cohere", "cohere2", "seed_oss"),
    }
)
ATTENTION = (LayerKind.FULL, LayerKind.SLIDING, LayerKind.CHUNKED)


@dataclass(frozen=True, slots=True)
class Parameters:
    """Weights by what quantisation and tensor parallel do with them, in numbers of weights."""

    embedding: int
    attention: int
    feed_forward: int
    experts: int

    @property
    def linear(self) -> int:
        """All that a quantised checkpoint packs, embeddings and the output layer apart."""
        return self.attention + self.feed_forward + self.experts

    @property
    def total(self) -> int:
        return self.embedding + self.linear


def count_parameters(facts: ModelFacts) -> Parameters | None:
    """The weights of the whole model; None where its form is not one of those counted here."""
    hidden, vocabulary, layers = facts.hidden_size, facts.vocab_size, facts.num_layers
    heads, dim = facts.attention_heads, facts.head_dim
    if facts.multimodal or facts.model_type not in COUNTED:
        return None
    if not (hidden and vocabulary and layers and heads and dim):
        return None
    if any(group.kind not in ATTENTION for group in facts.layers):
        return None
    queries = layers * 2 * hidden * heads * dim
    keys = sum(
        group.count * hidden * group.kv_heads * (group.key_dim + group.value_dim)
        for group in facts.layers
    )
    experts = expert_parameters(facts)
    dense_layers = facts.dense_layers if facts.experts else layers
    width = facts.intermediate_size
    if dense_layers and not width:
        return None
    shared = (layers - dense_layers) * 3 * hidden * (facts.shared_expert_intermediate_size or 0)
    return Parameters(
        embedding=vocabulary * hidden * (1 if facts.tied_embeddings else 2),
        attention=queries + keys,
        feed_forward=dense_layers * 3 * hidden * (width or 0) + shared,
        experts=experts,
    )


def expert_parameters(facts: ModelFacts) -> int:
    """The weights of all experts that are chosen between; 0 for a dense model."""
    width, hidden = facts.expert_intermediate_size, facts.hidden_size
    if not (facts.experts and width and hidden and facts.num_layers):
        return 0
    layers = facts.num_layers - facts.dense_layers
    return layers * facts.experts * 3 * hidden * width
