"""The verdict in sentences, with the figures of this case."""

from __future__ import annotations

from vconsole.models.fit.choosing import Choice
from vconsole.models.fit.defaults import GIB
from vconsole.models.fit.estimate import Estimate
from vconsole.models.fit.facts import ModelFacts
from vconsole.models.fit.plan import Verdict, Wishes

SHARED_MEMORY = (
    "this card's memory is the host's: whatever any program takes while vLLM starts is lost to the "
    "KV cache, so it may be up to 4 GiB smaller than predicted"
)


def unknown_reasons(
    facts: ModelFacts, length: int | None, computed: bool = True
) -> tuple[str, ...]:
    """Why no plan can be made; empty where nothing speaks against it."""
    if facts.unknown:
        return facts.unknown
    if not facts.layers:
        return ("its config.json is not known",)
    if not facts.vocab_size:
        return ("its config.json does not say how large its vocabulary is",)
    if length is None:
        return ("its config.json does not say how long a context it takes: pin --max-model-len",)
    if not computed:
        return (
            "its weights' size is not known: neither safetensors headers nor an index are there, "
            "or the KV cache's dtype is one whose scales are not computed here",
        )
    return ()


def uncomputed_reasons(wishes: Wishes) -> tuple[str, ...]:
    """What is asked for that the planner does not compute, each as a sentence."""
    return tuple(f"{what} is not computed" for what in wishes.uncomputed)


def reasons(choice: Choice) -> tuple[str, ...]:
    """What decided, most important first."""
    result = choice.result
    if result.is_refused:
        return (_refused(result),)
    sentences = [_left(result)]
    if result.verdict is not Verdict.FITS:
        sentences.append(_shortage(result))
    elif choice.asked.verdict is not Verdict.FITS and choice.flags:
        sentences.append(f"without the flags below it would be {choice.asked.verdict}")
    if result.is_nearly_refused:
        sentences.append(_nearly_refused(result))
    if result.card.is_unified:
        sentences.append(SHARED_MEMORY)
    return tuple(sentences)


def _left(result: Estimate) -> str:
    share = f"{result.setting.utilization:.0%} of {result.card.total_bytes / GIB:.1f} GiB"
    weights, overhead = result.weights.size.value, result.overhead.size.value
    if result.setting.kv_cache_memory_bytes is not None:
        return f"the KV cache is set to {result.kv.value / GIB:.2f} GiB, whatever else is taken"
    if result.kv.value <= 0:
        return (
            f"weights {weights / GIB:.2f} GiB and overhead {overhead / GIB:.2f} GiB exceed "
            f"{share} by {-result.kv.value / GIB:.2f} GiB"
        )
    return (
        f"{share} less weights {weights / GIB:.2f} GiB and overhead {overhead / GIB:.2f} GiB "
        f"leaves {result.kv.value / GIB:.2f} GiB of KV cache"
    )


def _shortage(result: Estimate) -> str:
    length = result.setting.max_model_len
    needed = f"one request of {length:,} tokens needs {result.needed_bytes / GIB:.2f} GiB"
    surely, likely = (result.longest(size, length) for size in (result.kv.low, result.kv.value))
    if result.verdict is Verdict.TIGHT and not likely < length:
        if surely:
            return f"{needed}, within what the prediction may err; {surely:,} tokens surely fit"
        return f"{needed}, within what the prediction may err"
    if likely:
        return f"{needed} of KV cache; about {likely:,} tokens fit"
    return f"{needed} of KV cache; no request fits"


def _refused(result: Estimate) -> str:
    card = result.card
    holders = ", ".join(
        f"{tenant.name} {tenant.memory_bytes / GIB:.1f} GiB" for tenant in card.tenants[:3]
    )
    return (
        f"vLLM asks for {result.setting.utilization:.0%} of the card at its start, "
        f"{result.requested_bytes / GIB:.1f} GiB, and {card.free_bytes / GIB:.1f} GiB are free"
        + (f" ({holders})" if holders else "")
    )


def _nearly_refused(result: Estimate) -> str:
    left = (result.card.free_bytes - result.requested_bytes) / GIB
    return (
        f"only {left:.2f} GiB beyond vLLM's share are free, and CUDA's context takes 0.3 to 0.6 "
        "GiB before vLLM checks"
    )
