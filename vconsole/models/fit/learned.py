"""What earlier starts on this machine teach: the weights as printed, and how far overhead was off.

Only starts of the same card and the same version of vLLM count; sizes are bytes of one card.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from vconsole.models.fit.defaults import GIB, Version, settle, version_of
from vconsole.models.fit.facts import ModelFacts
from vconsole.models.fit.flags import wishes_from
from vconsole.models.fit.ledger import MeasuredStart
from vconsole.models.fit.overhead import expected_overhead
from vconsole.models.fit.plan import Band, Card

# vLLM prints hundredths of a GiB; the same start repeated differs by its compiled kernels.
PRINTED_BYTES = int(0.01 * GIB)
LEAST_SPREAD_BYTES = int(0.15 * GIB)
ALONE_SPREAD_BYTES = int(0.35 * GIB)
CONSIDERED = 9


@dataclass(frozen=True, slots=True)
class Learned:
    """`weights_by_cards` are the latest printed weights by tensor parallel size."""

    weights_by_cards: dict[int, int]
    offset_bytes: int | None
    spread_bytes: int
    starts: int

    def weights(self, cards: int, predicted: Band) -> Band:
        size = self.weights_by_cards.get(cards)
        if size is None:
            return predicted
        return Band(size, size - PRINTED_BYTES, size + PRINTED_BYTES)

    def overhead(self, predicted: Band) -> Band:
        if self.offset_bytes is None:
            return predicted
        value = max(0, predicted.value + self.offset_bytes)
        return Band(value, max(0, value - self.spread_bytes), value + self.spread_bytes)


def learn(
    facts: ModelFacts, card: Card, version: Version, measured: Sequence[MeasuredStart]
) -> Learned | None:
    """What the latest comparable starts say; None where there is none."""
    rows = [row for row in measured if _is_comparable(row, card, version)][-CONSIDERED:]
    if not rows:
        return None
    weights = {
        wishes_from(row.flags).tensor_parallel or 1: row.weights_bytes
        for row in rows
        if row.weights_bytes and wishes_from(row.flags).quantization is None
    }
    offsets = [off for row in rows if (off := _offset(facts, card, row)) is not None]
    spread = max(offsets) - min(offsets) if len(offsets) > 1 else ALONE_SPREAD_BYTES
    return Learned(
        weights,
        round(median(offsets)) if offsets else None,
        max(LEAST_SPREAD_BYTES, spread),
        len(rows),
    )


def residual_bytes(row: MeasuredStart) -> int | None:
    """What a start took beside weights and KV cache, by vLLM's own account of its share."""
    wishes = wishes_from(row.flags)
    share, total = row.utilization or wishes.gpu_memory_utilization, row.card_total_bytes
    if not (share and total and row.weights_bytes and row.kv_cache_bytes is not None):
        return None
    if wishes.kv_cache_memory_bytes is not None:
        return None
    return int(total * share) - row.weights_bytes - row.kv_cache_bytes


def _is_comparable(row: MeasuredStart, card: Card, version: Version) -> bool:
    same_version = version_of(row.engine_version)[:2] == version[:2]
    return same_version and row.card == card.name and not card.is_cpu


def _offset(facts: ModelFacts, card: Card, row: MeasuredStart) -> int | None:
    residual = residual_bytes(row)
    length = row.max_model_len or facts.context_length
    if residual is None or length is None:
        return None
    version = version_of(row.engine_version)
    setting = settle(facts, card, wishes_from(row.flags), version, length)
    return residual - expected_overhead(facts, card, setting).size.value
