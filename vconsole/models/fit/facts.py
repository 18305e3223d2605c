"""What is known of a model before it is started: its shape, its layers, its checkpoint.

Plain data, filled from a folder (`read_facts`) or from the keys of a config.json
(`facts_from_config`). What is not known is None, and `unknown` says it in words.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class LayerKind(StrEnum):
    """How a layer remembers: vLLM keeps pages of another form for each kind."""

    FULL = "full attention"
    SLIDING = "sliding window"
    CHUNKED = "chunked attention"
    MLA = "latent attention"
    STATE = "recurrent state"


@dataclass(frozen=True, slots=True)
class StateTensor:
    """A tensor of a recurrent layer's state, in elements of the whole model.

    `split` divides over the cards; to it come `groups` of `per_group` elements, of which there are
    as many as cards where they do not divide. `dtype` is None where it is the model's own.
    """

    split: int
    dtype: str | None = None
    groups: int = 0
    per_group: int = 0


@dataclass(frozen=True, slots=True)
class LayerGroup:
    """`count` layers of one kind and shape; heads and dimensions are those of the whole model.

    `key_dim` and `value_dim` are per head; of MLA `key_dim` is latent plus rotary, and
    `value_dim` 0. `window` is the sliding window or the chunk, in tokens.
    """

    kind: LayerKind
    count: int
    kv_heads: int = 0
    key_dim: int = 0
    value_dim: int = 0
    window: int | None = None
    state: tuple[StateTensor, ...] = ()


@dataclass(frozen=True, slots=True)
class Quantization:
    """How the checkpoint is packed; `method` is the word of its config (`awq`, `fp8`, ...)."""

    method: str
    bits: float | None = None
    group_size: int | None = None


@dataclass(frozen=True, slots=True)
class TensorGroup:
    """Bytes of the checkpoint's tensors of one role and stored dtype."""

    role: str
    dtype: str
    stored_bytes: int


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The weights on disk: `stored_bytes` in all, and by role where the headers are there.

    `roles` names what it is known to hold (`lm_head`, `mtp`, `vision`), empty where only a size
    is known; `source` says where the size was read.
    """

    stored_bytes: int
    groups: tuple[TensorGroup, ...] = ()
    roles: frozenset[str] = frozenset()
    source: str = "index"


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """A model as the planner sees it; sizes in bytes, lengths in tokens, None is unknown.

    `kv_cache_dtype` is the packing of the KV cache that the checkpoint itself asks for.
    """

    architecture: str | None = None
    model_type: str | None = None
    hidden_size: int | None = None
    intermediate_size: int | None = None
    num_layers: int | None = None
    attention_heads: int | None = None
    kv_heads: int | None = None
    head_dim: int | None = None
    vocab_size: int | None = None
    context_length: int | None = None
    rope_positions: int | None = None
    dtype: str | None = None
    tied_embeddings: bool = False
    experts: int | None = None
    experts_per_token: int | None = None
    expert_intermediate_size: int | None = None
    shared_expert_intermediate_size: int | None = None
    dense_layers: int = 0
    mtp_layers: int = 0
    multimodal: bool = False
    pooling: bool = False
    quantization: Quantization | None = None
    kv_cache_dtype: str | None = None
    layers: tuple[LayerGroup, ...] = ()
    checkpoint: Checkpoint | None = None
    unknown: tuple[str, ...] = ()

    @property
    def family(self) -> str:
        """`plain`, `sliding window`, `MLA` or `recurrent`: how its memory of tokens grows."""
        kinds = {group.kind for group in self.layers}
        if LayerKind.STATE in kinds:
            return "recurrent"
        if LayerKind.MLA in kinds:
            return "MLA"
        return "sliding window" if kinds - {LayerKind.FULL} else "plain"
