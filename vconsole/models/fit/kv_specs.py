"""The pages of each kind of layer on one card, as vLLM lays them out.

Source: vllm/v1/kv_cache_interface.py and vllm/platforms/interface.py (`_align_hybrid_block_size`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from vconsole.models.fit.defaults import DTYPE_BYTES, Setting, kv_dtype_bytes
from vconsole.models.fit.facts import LayerGroup, LayerKind, ModelFacts, StateTensor

# Kernels for latent attention want blocks of this many tokens beside recurrent layers.
LATENT_ALIGNMENT = 128


@dataclass(frozen=True, slots=True)
class PageSpec:
    """Pages of `layers` equal layers: `page_bytes` each, for `block_size` tokens.

    `token_bytes` is what a token takes in one layer, 0 where a page holds a state.
    """

    kind: LayerKind
    layers: int
    block_size: int
    page_bytes: int
    token_bytes: int = 0
    window: int | None = None

    def blocks_for(self, length: int, setting: Setting) -> int:
        """Blocks that a request of `length` tokens may hold at most."""
        if self.kind is LayerKind.STATE:
            return setting.states_per_request
        if self.kind is LayerKind.SLIDING and self.window:
            held = min(self.window - 1 + setting.in_flight_tokens, length)
            return -(-held // self.block_size) + 1
        return -(-length // self.block_size)


def page_specs(facts: ModelFacts, setting: Setting) -> tuple[PageSpec, ...] | None:
    """The pages on one card of the layers that keep any; None where a size is not known."""
    element_bytes = kv_dtype_bytes(setting)
    if not facts.layers or element_bytes is None:
        return None
    state_bytes = max(
        (_state_bytes(group, setting) for group in facts.layers if group.state), default=0
    )
    token_bytes = [_token_bytes(group, setting, element_bytes) for group in facts.layers]
    largest = max((size for size in token_bytes if size), default=0)
    block = _block_size(facts, setting, state_bytes, largest)
    specs = []
    for group, size in zip(facts.layers, token_bytes, strict=True):
        if group.kind is LayerKind.STATE:
            page = block * largest if largest else state_bytes
            specs.append(PageSpec(group.kind, group.count, block, page))
        else:
            specs.append(
                PageSpec(_kept_as(group), group.count, block, block * size, size, group.window)
            )
    return _with_equal_pages(specs)


def _kept_as(group: LayerGroup) -> LayerKind:
    """Chunked attention is kept in full, unless an environment variable asks for its saving."""
    return LayerKind.FULL if group.kind is LayerKind.CHUNKED else group.kind


def _token_bytes(group: LayerGroup, setting: Setting, element_bytes: float) -> int:
    """Bytes of a token in one layer on one card; heads fewer than cards are repeated."""
    if group.kind is LayerKind.STATE:
        return 0
    if group.kind is LayerKind.MLA:
        return int(group.key_dim * element_bytes) if group.kv_heads else group.key_dim
    heads = max(1, group.kv_heads // setting.tensor_parallel)
    return int(heads * (group.key_dim + group.value_dim) * element_bytes)


def _state_bytes(group: LayerGroup, setting: Setting) -> int:
    return sum(_tensor_bytes(tensor, setting) for tensor in group.state)


def _tensor_bytes(tensor: StateTensor, setting: Setting) -> int:
    cards = setting.tensor_parallel
    groups = tensor.groups
    if groups % cards:
        groups += cards - groups
    elements = (tensor.split + groups * tensor.per_group) // cards
    return elements * DTYPE_BYTES[tensor.dtype or setting.dtype]


def _block_size(facts: ModelFacts, setting: Setting, state_bytes: int, token_bytes: int) -> int:
    """Attention's block, enlarged until its page holds a state."""
    if not state_bytes or not token_bytes:
        return setting.block_size
    latent = any(group.kind is LayerKind.MLA for group in facts.layers)
    step = max(setting.block_size, LATENT_ALIGNMENT if latent else 0)
    return step * -(-state_bytes // (step * token_bytes))


def _with_equal_pages(specs: list[PageSpec]) -> tuple[PageSpec, ...]:
    """Where kinds differ, smaller pages take more tokens, or are padded where that does not go."""
    if {spec.kind for spec in specs} <= {LayerKind.FULL, LayerKind.MLA}:
        return tuple(specs)
    largest = max(spec.page_bytes for spec in specs)
    return tuple(_enlarged(spec, largest) for spec in specs)


def _enlarged(spec: PageSpec, page_bytes: int) -> PageSpec:
    ratio, rest = divmod(page_bytes, spec.page_bytes)
    if rest or spec.kind is LayerKind.STATE:
        return replace(spec, page_bytes=page_bytes)
    return replace(spec, page_bytes=page_bytes, block_size=spec.block_size * ratio)
