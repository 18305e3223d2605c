"""The plan on vLLM's CPU build: the KV cache is what it was told to take, to the byte.

Source: vllm/v1/worker/cpu_worker.py and platforms/cpu.py (`VLLM_CPU_KVCACHE_SPACE`).
"""

from __future__ import annotations

from dataclasses import replace

from vconsole.models.fit.defaults import GIB, Version, settle
from vconsole.models.fit.estimate import Estimate, estimate
from vconsole.models.fit.facts import ModelFacts
from vconsole.models.fit.formulas import formulas
from vconsole.models.fit.plan import Band, Card, Plan, ProposedFlag, Verdict, Wishes

# What the server's processes take on a CPU beside the weights.
PROCESS_BYTES = Band(int(1.5 * GIB), int(0.8 * GIB), int(3.0 * GIB))
LENGTH_STEP = 128


def plan_for_cpu(
    facts: ModelFacts, card: Card, wishes: Wishes, version: Version, length: int
) -> Plan:
    """The plan; without a size for the KV cache vLLM takes what it finds, so that is unknown."""
    found = estimate(facts, card, settle(facts, card, wishes, version, length))
    if found is None:
        return Plan(Verdict.UNKNOWN, why=("how much its weights take is not known",))
    if wishes.kv_cache_memory_bytes is None:
        free = max(0, card.free_bytes - found.weights.size.value - PROCESS_BYTES.value)
        found = replace(found, kv=Band(free, 0, free))
    longest = found.longest(found.kv.value, length)
    flags: tuple[ProposedFlag, ...] = ()
    if longest < length and wishes.max_model_len is None and longest >= LENGTH_STEP:
        longest = longest // LENGTH_STEP * LENGTH_STEP
        why = f"the KV cache holds no request of the model's {length:,} tokens"
        flags = (ProposedFlag("--max-model-len", str(longest), why),)
        found = replace(found, setting=settle(facts, card, wishes, version, longest))
    return _plan(facts, card, found, flags, longest)


def _plan(
    facts: ModelFacts,
    card: Card,
    found: Estimate,
    flags: tuple[ProposedFlag, ...],
    longest: int,
) -> Plan:
    verdict, why = _judged(card, found, longest)
    return Plan(
        verdict,
        weights_bytes=found.weights.size,
        kv_bytes_per_token=Band.exact(found.pool.bytes_per_token),
        overhead_bytes=PROCESS_BYTES,
        kv_cache_bytes=found.kv,
        kv_cache_tokens=found.tokens,
        max_concurrency=found.concurrency,
        max_model_len=found.setting.max_model_len,
        flags=flags,
        why=why,
        formulas=formulas(facts, found),
        validated_on=("the CPU build of vLLM 0.32 (KV cache exact)",),
    )


def _judged(card: Card, found: Estimate, longest: int) -> tuple[Verdict, tuple[str, ...]]:
    length, kv = found.setting.max_model_len, found.kv.value
    if found.needed_bytes > kv:
        why = (
            f"one request of {length:,} tokens needs {found.needed_bytes / GIB:.2f} GiB of KV "
            f"cache and {kv / GIB:.2f} GiB are set aside, enough for {longest:,} tokens"
        )
        return Verdict.TOO_BIG, (why,)
    low = found.weights.size.low + found.kv.low + PROCESS_BYTES.low
    high = found.weights.size.high + found.kv.value + PROCESS_BYTES.high
    sizes = (
        f"weights {found.weights.size.value / GIB:.2f} GiB and KV cache {kv / GIB:.2f} GiB of "
        f"{card.free_bytes / GIB:.1f} GiB of memory that is free"
    )
    if low > card.total_bytes:
        return Verdict.TOO_BIG, (f"{sizes}: more than this machine has",)
    if high > card.free_bytes:
        return Verdict.TIGHT, (f"{sizes} leave little for the rest",)
    return Verdict.FITS, (sizes,)
