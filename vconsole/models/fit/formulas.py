"""Every number of a plan with its formula, filled in, and where the formula is from."""

from __future__ import annotations

from vconsole.models.fit.defaults import GIB, Setting
from vconsole.models.fit.estimate import Estimate
from vconsole.models.fit.facts import LayerGroup, LayerKind, ModelFacts
from vconsole.models.fit.plan import Formula


def formulas(facts: ModelFacts, result: Estimate) -> tuple[Formula, ...]:
    """The formulas of this case, in the order in which the numbers follow from each other."""
    found = [Formula("weights", result.weights.text, result.weights.source)]
    if not result.card.is_cpu:
        found.append(
            Formula(
                "overhead",
                result.overhead.text,
                "fitted to measured starts; vllm/v1/worker/gpu_model_runner.py",
            )
        )
    found += [
        _kv_bytes(result),
        Formula(
            "bytes per token",
            _per_token(facts, result),
            "vllm/v1/kv_cache_interface.py",
        ),
        *_tokens(result),
    ]
    return tuple(found)


def _kv_bytes(result: Estimate) -> Formula:
    kv = result.kv.value / GIB
    if result.setting.kv_cache_memory_bytes is not None:
        source = "VLLM_CPU_KVCACHE_SPACE" if result.card.is_cpu else "--kv-cache-memory-bytes"
        return Formula("KV cache", f"{kv:.2f} GiB, as set", source)
    if result.card.is_cpu:
        text = f"free memory - weights - the processes = {kv:.2f} GiB at most"
        return Formula("KV cache", text, "vllm/v1/worker/cpu_worker.py")
    return Formula(
        "KV cache",
        f"{result.setting.utilization:.2f} x {result.card.total_bytes / GIB:.2f} GiB "
        f"- {result.weights.size.value / GIB:.2f} - {result.overhead.size.value / GIB:.2f} "
        f"= {kv:.2f} GiB",
        "vllm/v1/worker/gpu_worker.py, determine_available_memory",
    )


def _per_token(facts: ModelFacts, result: Estimate) -> str:
    parts = [_layer(group, result.setting) for group in facts.layers]
    shown = " + ".join(part for part in parts if part)
    padded = " (with the padding of its groups)" if len(result.pool.groups) > 1 else ""
    return f"{shown or '0'} -> {result.pool.bytes_per_token:,} bytes{padded}"


def _layer(group: LayerGroup, setting: Setting) -> str:
    if group.kind is LayerKind.STATE:
        return ""
    dtype = setting.dtype if setting.kv_dtype == "auto" else setting.kv_dtype
    if group.kind is LayerKind.MLA:
        return f"{group.count} layers x {group.key_dim} in {dtype}"
    heads = max(1, group.kv_heads // setting.tensor_parallel)
    window = f" (window {group.window:,})" if group.window else ""
    size = group.key_dim + group.value_dim
    return f"{group.count} layers{window} x {heads} heads x {size} in {dtype}"


def _tokens(result: Estimate) -> tuple[Formula, ...]:
    pool, length = result.pool, result.setting.max_model_len
    per_request = pool.blocks_per_request(length)
    blocks = pool.blocks(result.kv.value)
    source = "vllm/v1/core/kv_cache_utils.py"
    return (
        Formula(
            "blocks",
            f"{result.kv.value:,} bytes / {pool.bytes_per_block:,} per block = {blocks:,}",
            source,
        ),
        Formula(
            "concurrency",
            f"{blocks:,} blocks / {per_request:,} for a request of {length:,} tokens "
            f"= {result.concurrency:.2f}",
            source,
        ),
        Formula("tokens", f"{result.tokens.value:,} tokens", source),
    )
