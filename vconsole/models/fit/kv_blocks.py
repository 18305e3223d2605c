"""From bytes to blocks, tokens and concurrency, with vLLM's own arithmetic.

Layers of one kind form buckets, buckets are cut into groups of equally many layers, and every
group draws its blocks from one pool. Source: vllm/v1/core/kv_cache_utils.py
(`_get_kv_cache_groups_uniform_page_size`, `get_max_concurrency_for_kv_cache_config`,
`_estimate_max_model_len_from_groups`).
"""

from __future__ import annotations

from dataclasses import dataclass

from vconsole.models.fit.defaults import Setting
from vconsole.models.fit.facts import LayerKind, ModelFacts
from vconsole.models.fit.kv_specs import PageSpec, page_specs

# Buckets that differ by less than this are padded to the larger rather than cut to the smaller.
PADDED_BELOW = 1.5


@dataclass(frozen=True, slots=True)
class KvPool:
    """The pool of one card: the size of a block over all layers of a group, and the groups.

    `groups` holds a page specification for each group, repeated where a bucket was cut.
    """

    setting: Setting
    bytes_per_block: int
    groups: tuple[PageSpec, ...]
    group_size: int
    bytes_per_token: int

    def blocks(self, size_bytes: int) -> int:
        return max(0, size_bytes) // self.bytes_per_block

    def blocks_per_request(self, length: int) -> int:
        return sum(spec.blocks_for(length, self.setting) for spec in self.groups)

    def needed_bytes(self, length: int) -> int:
        """What vLLM demands before it starts: one request and the block that it holds back."""
        return (self.blocks_per_request(length) + 1) * self.bytes_per_block

    def concurrency(self, size_bytes: int, length: int) -> float:
        return self.blocks(size_bytes) / self.blocks_per_request(length)

    def tokens(self, size_bytes: int, length: int) -> int:
        """The `KV cache size` that vLLM prints; before 0.21 by blocks, whatever the length."""
        if self.setting.tokens_by_requests:
            return int(self.concurrency(size_bytes, length) * length)
        block = min(spec.block_size for spec in self.groups)
        return self.blocks(size_bytes) // len(self.groups) * block

    def longest(self, size_bytes: int, most: int) -> int:
        """The longest request up to `most` tokens that these bytes admit; 0 for none."""
        if self.needed_bytes(1) > size_bytes:
            return 0
        low, high = 1, most
        while low < high:
            middle = (low + high + 1) // 2
            fits = self.needed_bytes(middle) <= size_bytes
            low, high = (middle, high) if fits else (low, middle - 1)
        return low


def kv_pool(facts: ModelFacts, setting: Setting) -> KvPool | None:
    """The pool of this model under this setting; None where it is not computed."""
    specs = page_specs(facts, setting)
    if not specs:
        return None
    buckets = _buckets(specs)
    if len(buckets) == 1:
        return _one_group(specs, setting)
    counts = [spec.layers for spec in buckets]
    size = min(counts)
    if max(counts) < size * PADDED_BELOW:
        size = max(counts)
    groups = tuple(spec for spec in buckets for _ in range(-(-spec.layers // size)))
    attention = [spec for spec in groups if spec.token_bytes]
    return KvPool(
        setting,
        size * groups[0].page_bytes,
        groups,
        size,
        sum(size * spec.page_bytes // spec.block_size for spec in attention),
    )


def _buckets(specs: tuple[PageSpec, ...]) -> list[PageSpec]:
    """Kinds that share a table of blocks: all of full and latent attention are one."""
    kinds = {LayerKind.FULL if spec.kind is LayerKind.MLA else spec.kind for spec in specs}
    return list(specs) if len(kinds) > 1 else list(specs[:1])


def _one_group(specs: tuple[PageSpec, ...], setting: Setting) -> KvPool:
    """Layers that all hold equally many tokens are one group, whatever their pages' sizes."""
    per_block = sum(spec.layers * spec.page_bytes for spec in specs)
    layers = sum(spec.layers for spec in specs)
    per_token = sum(spec.layers * spec.token_bytes for spec in specs)
    return KvPool(setting, per_block, specs[:1], layers, per_token)
