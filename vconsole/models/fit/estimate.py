"""One start, worked out: what is asked for, what weights and overhead take, what is left for KV.

Source of the sums: vllm/v1/worker/gpu_worker.py (determine_available_memory, request_memory) and
cpu_worker.py.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from vconsole.models.fit.defaults import GIB, Setting
from vconsole.models.fit.facts import ModelFacts
from vconsole.models.fit.kv_blocks import KvPool, kv_pool
from vconsole.models.fit.learned import Learned
from vconsole.models.fit.overhead import Overhead, expected_overhead
from vconsole.models.fit.plan import Band, Card, Verdict
from vconsole.models.fit.weights import Weights, loaded_weights

# What CUDA's context takes before vLLM looks at the free memory: at least, and as a rule.
CONTEXT_BYTES = int(0.45 * GIB)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A start under one setting; sizes in bytes on one card."""

    card: Card
    setting: Setting
    weights: Weights
    overhead: Overhead
    pool: KvPool
    requested_bytes: int
    kv: Band

    @property
    def needed_bytes(self) -> int:
        """KV cache that vLLM demands for one request of the longest length."""
        return self.pool.needed_bytes(self.setting.max_model_len)

    @property
    def verdict(self) -> Verdict:
        if self.is_refused or self.kv.high < self.needed_bytes:
            return Verdict.TOO_BIG
        if self.is_nearly_refused or self.kv.low < self.needed_bytes:
            return Verdict.TIGHT
        return Verdict.FITS

    @property
    def is_refused(self) -> bool:
        """Whether less is free than vLLM asks for, even before CUDA has taken its part."""
        return not self.card.is_cpu and self.card.free_bytes < self.requested_bytes

    @property
    def is_nearly_refused(self) -> bool:
        left = self.card.free_bytes - self.requested_bytes
        return not self.card.is_cpu and left < CONTEXT_BYTES

    @property
    def tokens(self) -> Band:
        length = self.setting.max_model_len
        low, value, high = (
            self.pool.tokens(size, length) for size in (self.kv.low, self.kv.value, self.kv.high)
        )
        return Band(value, low, high)

    @property
    def concurrency(self) -> float:
        return self.pool.concurrency(self.kv.value, self.setting.max_model_len)

    def longest(self, size_bytes: int, most: int) -> int:
        return self.pool.longest(size_bytes, most)


def estimate(
    facts: ModelFacts, card: Card, setting: Setting, learned: Learned | None = None
) -> Estimate | None:
    """The start under this setting; None where a part of it cannot be computed."""
    weights = loaded_weights(facts, setting)
    pool = kv_pool(facts, setting)
    if weights is None or pool is None or not facts.vocab_size:
        return None
    overhead = expected_overhead(facts, card, setting)
    if learned is not None:
        weights, overhead = _corrected(weights, overhead, learned, setting)
    requested = math.ceil(card.total_bytes * setting.utilization)
    if setting.kv_cache_memory_bytes is not None:
        kv = Band.exact(setting.kv_cache_memory_bytes)
    else:
        kv = _left(requested, weights.size, overhead.size)
    return Estimate(card, setting, weights, overhead, pool, requested, kv)


def _corrected(
    weights: Weights, overhead: Overhead, learned: Learned, setting: Setting
) -> tuple[Weights, Overhead]:
    """Both as earlier starts on this card had them."""
    size = learned.weights(setting.tensor_parallel, weights.size)
    if size != weights.size:
        weights = Weights(size, f"{size.value / GIB:.2f} GiB", "printed by an earlier start here")
    taken = learned.overhead(overhead.size)
    off = (taken.value - overhead.size.value) / GIB
    told = f"{overhead.text}; {off:+.2f} by {learned.starts} earlier starts here"
    return weights, replace(overhead, size=taken, text=told)


def _left(requested: int, weights: Band, overhead: Band) -> Band:
    """The rest; its parts err independently, so their errors add as squares."""
    value = requested - weights.value - overhead.value
    up = math.hypot(weights.value - weights.low, overhead.value - overhead.low)
    down = math.hypot(weights.high - weights.value, overhead.high - overhead.value)
    return Band(value, round(value - down), round(value + up))
