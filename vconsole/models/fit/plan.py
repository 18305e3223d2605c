"""The words of the planner: what it is asked (a card, wishes) and what it answers (a plan).

Sizes are bytes. A `Band` holds the expected value and the bounds within which it should lie.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

# Cards of which CUDA says `integrated`: their memory is the host's.
UNIFIED = ("gb10", "spark", "thor", "orin", "xavier")


def is_unified(card: str) -> bool:
    """Whether a card of this name has no memory of its own."""
    return any(word in card.lower() for word in UNIFIED)


class Verdict(StrEnum):
    """`TIGHT` means that the band of the memory left for one request crosses zero."""

    FITS = "fits"
    TIGHT = "tight"
    TOO_BIG = "too big"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Band:
    """An expected value between the bounds of its uncertainty; equal where it is exact."""

    value: int
    low: int
    high: int

    @classmethod
    def exact(cls, value: int) -> Band:
        return cls(value, value, value)


@dataclass(frozen=True, slots=True)
class Tenant:
    """Another process that holds memory of the card; `pid` is None where it cannot be seen."""

    name: str
    memory_bytes: int
    pid: int | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """`count` equal cards, each with these bytes; `capability` is CUDA's, as (8, 9).

    `is_cpu` is a host without a GPU: total and free are then its memory. `is_unified` cards share
    the host's memory with its programs (GB10, Jetson).
    """

    name: str
    total_bytes: int
    free_bytes: int
    count: int = 1
    capability: tuple[int, int] | None = None
    tenants: tuple[Tenant, ...] = ()
    is_cpu: bool = False

    @property
    def is_unified(self) -> bool:
        return not self.is_cpu and is_unified(self.name)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user pinned; None leaves it to the planner.

    `lora_slots` adapters may be active at once, of up to `lora_rank`. `uncomputed` says in words
    what else is asked for that changes the memory and is not computed here.
    """

    tensor_parallel: int | None = None
    max_model_len: int | None = None
    max_num_seqs: int | None = None
    max_num_batched_tokens: int | None = None
    gpu_memory_utilization: float | None = None
    kv_cache_dtype: str | None = None
    kv_cache_memory_bytes: int | None = None
    quantization: str | None = None
    dtype: str | None = None
    enforce_eager: bool | None = None
    lora_slots: int | None = None
    lora_rank: int | None = None
    offloaded_bytes: int | None = None
    uncomputed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProposedFlag:
    """A flag of the plan with a word of reason; `value` is None for a switch."""

    flag: str
    value: str | None
    why: str

    @property
    def arguments(self) -> tuple[str, ...]:
        return (self.flag,) if self.value is None else (self.flag, self.value)


@dataclass(frozen=True, slots=True)
class Formula:
    """How a number came about: its name, the formula with this case's figures, and the source."""

    name: str
    text: str
    source: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What a start would give. `overhead_bytes` is all but weights and KV cache.

    With several cards every size is of one card. `max_concurrency` counts requests of
    `max_model_len` tokens. Unknown is None; `why` says the verdict in sentences.
    """

    verdict: Verdict
    weights_bytes: Band | None = None
    kv_bytes_per_token: Band | None = None
    overhead_bytes: Band | None = None
    kv_cache_bytes: Band | None = None
    kv_cache_tokens: Band | None = None
    max_concurrency: float | None = None
    max_model_len: int | None = None
    tensor_parallel: int = 1
    flags: tuple[ProposedFlag, ...] = ()
    why: tuple[str, ...] = ()
    formulas: tuple[Formula, ...] = ()
    validated_on: tuple[str, ...] = ()
    variant: str | None = None

    @property
    def arguments(self) -> tuple[str, ...]:
        """The proposed flags as vLLM's command line wants them."""
        return tuple(part for flag in self.flags for part in flag.arguments)

    @property
    def least_bytes(self) -> int | None:
        """What a start of it takes of a card: weights, overhead, and the KV of one full request."""
        if not (self.weights_bytes and self.overhead_bytes and self.kv_cache_bytes):
            return None
        if not self.max_concurrency:
            return None
        one_request = self.kv_cache_bytes.value / self.max_concurrency
        return self.weights_bytes.value + self.overhead_bytes.value + int(one_request)
