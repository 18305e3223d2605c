"""A first model for a card: the largest of a short list that its free memory holds.

Weights are the sizes of the published checkpoints. This is a proposal to begin with and no plan:
it asks for a margin that is generous on every card.
"""

from __future__ import annotations

from dataclasses import dataclass

GIB = 2**30
GB = 10**9
# CUDA context, activations, the sampler's dummy pass and CUDA graphs.
OVERHEAD_BYTES = int(2.0 * GIB)
# Room for conversations worth the name.
KV_BYTES = int(1.0 * GIB)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An ungated model of the Hub; older cards than `least_capability` lack what it needs."""

    model: str
    weights_bytes: int
    words: str
    least_capability: tuple[int, int] = (7, 5)

    @property
    def needed_bytes(self) -> int:
        return self.weights_bytes + OVERHEAD_BYTES + KV_BYTES


@dataclass(frozen=True, slots=True)
class Proposal:
    """What to start, the utilisation that leaves others their memory, and why."""

    candidate: Candidate
    flags: tuple[str, ...]
    why: str


CANDIDATES = (
    Candidate("Qwen/Qwen2.5-0.5B-Instruct", 988_097_824, "0.5B in bf16"),
    Candidate("Qwen/Qwen2.5-1.5B-Instruct", 3_087_467_144, "1.5B in bf16"),
    Candidate("Qwen/Qwen2.5-7B-Instruct-AWQ", int(5.57 * GB), "7B in 4 bits"),
    Candidate("openai/gpt-oss-20b", int(13.76 * GB), "20B in MXFP4", (8, 0)),
    Candidate("Qwen/Qwen2.5-7B-Instruct", int(15.23 * GB), "7B in bf16"),
    Candidate("Qwen/Qwen2.5-32B-Instruct-AWQ", int(19.33 * GB), "32B in 4 bits"),
)
LONGEST = 16_384


def propose(
    free_bytes: int, total_bytes: int, capability: tuple[int, int] | None = None
) -> Proposal | None:
    """The largest candidate that fits `free_bytes` of a card of `total_bytes`, or None."""
    fitting = [
        one
        for one in CANDIDATES
        if one.needed_bytes <= free_bytes
        and (capability is None or capability >= one.least_capability)
    ]
    if not fitting:
        return None
    chosen = max(fitting, key=lambda one: one.weights_bytes)
    utilization = min(0.92, (free_bytes - GIB // 2) / total_bytes)
    flags = (
        *("--gpu-memory-utilization", f"{int(utilization * 100) / 100:.2f}"),
        *("--max-model-len", str(LONGEST)),
    )
    why = (
        f"{chosen.words}: {chosen.weights_bytes / GIB:.1f} GiB of weights and about "
        f"{(OVERHEAD_BYTES + KV_BYTES) / GIB:.0f} GiB to work in fit the "
        f"{free_bytes / GIB:.1f} GiB that are free"
    )
    return Proposal(chosen, flags, why)
