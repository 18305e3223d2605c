"""What may be changed where the user pinned nothing, from the mildest to the strongest means."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from vconsole.models.fit.defaults import GIB, Version, default_utilization
from vconsole.models.fit.estimate import CONTEXT_BYTES
from vconsole.models.fit.plan import Card, ProposedFlag, Wishes

# Utilisation above this leaves CUDA nothing for what vLLM does not account for.
HIGHEST_UTILIZATION = 0.97
FEWER_REQUESTS = 32
FP8_CAPABILITY = (8, 9)


@dataclass(frozen=True, slots=True)
class Candidate:
    """Wishes with what was added to them, and the flags that say so."""

    wishes: Wishes
    flags: tuple[ProposedFlag, ...] = ()


def candidates(card: Card, wishes: Wishes, version: Version) -> Iterator[Candidate]:
    """vLLM's defaults first, then each further means on top of those before."""
    current = _within_free(card, Candidate(wishes), version)
    yield current
    for means in (_more_memory, _fewer_requests, _smaller_kv, _eager):
        changed = means(card, current, version)
        if changed is not None:
            current = changed
            yield current


def free_utilization(card: Card) -> float:
    """The largest share, in hundredths, that leaves CUDA's context its place."""
    free = card.free_bytes - CONTEXT_BYTES
    share = math.floor(free / card.total_bytes * 100) / 100
    return max(0.01, min(share, HIGHEST_UTILIZATION))


def _within_free(card: Card, candidate: Candidate, version: Version) -> Candidate:
    wishes, default = candidate.wishes, default_utilization(version)
    share = free_utilization(card)
    if wishes.gpu_memory_utilization is not None or share >= default:
        return candidate
    holders = ", ".join(tenant.name for tenant in card.tenants[:3])
    held = card.total_bytes - card.free_bytes
    why = f"{held / GIB:.1f} GiB of the card are taken{f' by {holders}' if holders else ''}"
    return _with_utilization(candidate, share, why)


def _more_memory(card: Card, candidate: Candidate, version: Version) -> Candidate | None:
    used = candidate.wishes.gpu_memory_utilization
    share = free_utilization(card)
    if used is not None or share <= default_utilization(version):
        return None
    why = f"{share:.0%} of the card are free for vLLM; its default leaves more unused"
    return _with_utilization(candidate, share, why)


def _with_utilization(candidate: Candidate, share: float, why: str) -> Candidate:
    flag = ProposedFlag("--gpu-memory-utilization", f"{share:.2f}", why)
    wishes = replace(candidate.wishes, gpu_memory_utilization=share)
    return Candidate(wishes, (*candidate.flags, flag))


def _fewer_requests(card: Card, candidate: Candidate, version: Version) -> Candidate | None:
    if candidate.wishes.max_num_seqs is not None:
        return None
    why = "fewer requests at a time need less for sampling and CUDA graphs"
    flag = ProposedFlag("--max-num-seqs", str(FEWER_REQUESTS), why)
    wishes = replace(candidate.wishes, max_num_seqs=FEWER_REQUESTS)
    return Candidate(wishes, (*candidate.flags, flag))


def _smaller_kv(card: Card, candidate: Candidate, version: Version) -> Candidate | None:
    if candidate.wishes.kv_cache_dtype is not None or not card.capability:
        return None
    if card.capability < FP8_CAPABILITY:
        return None
    why = "half the bytes for each token; this card computes in FP8"
    flag = ProposedFlag("--kv-cache-dtype", "fp8", why)
    wishes = replace(candidate.wishes, kv_cache_dtype="fp8")
    return Candidate(wishes, (*candidate.flags, flag))


def _eager(card: Card, candidate: Candidate, version: Version) -> Candidate | None:
    if candidate.wishes.enforce_eager is not None:
        return None
    flag = ProposedFlag("--enforce-eager", None, "no CUDA graphs: slower, but it leaves more room")
    wishes = replace(candidate.wishes, enforce_eager=True)
    return Candidate(wishes, (*candidate.flags, flag))
