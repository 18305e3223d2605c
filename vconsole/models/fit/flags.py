"""vLLM's flags as wishes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from vconsole.engine.command.command_line import flag
from vconsole.models.fit.adapters import DEFAULT_RANK
from vconsole.models.fit.defaults import GIB
from vconsole.models.fit.plan import Wishes

# Human sizes as vLLM reads them (vllm/engine/arg_utils.py, human_readable_int): k is decimal,
# K binary.
SIZE = re.compile(r"(\d+(?:\.\d+)?)([kKmMgGtT]?)\Z")
FACTORS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
BINARY_FACTORS = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def wishes_from(flags: Sequence[str]) -> Wishes:
    """The wishes that a vLLM command line pins; what cannot be read is not pinned."""
    has_adapters = "--enable-lora" in [word.replace("_", "-") for word in flags]
    eager = [word for word in flags if word.replace("_", "-") in EAGER]
    return Wishes(
        tensor_parallel=_size(_value(flags, "--tensor-parallel-size", "-tp")),
        max_model_len=_size(_value(flags, "--max-model-len")),
        max_num_seqs=_size(_value(flags, "--max-num-seqs")),
        max_num_batched_tokens=_size(_value(flags, "--max-num-batched-tokens")),
        gpu_memory_utilization=_fraction(_value(flags, "--gpu-memory-utilization")),
        kv_cache_dtype=_value(flags, "--kv-cache-dtype"),
        kv_cache_memory_bytes=_size(_value(flags, "--kv-cache-memory-bytes")),
        quantization=_value(flags, "--quantization", "-q"),
        dtype=_value(flags, "--dtype"),
        enforce_eager=EAGER[eager[-1].replace("_", "-")] if eager else None,
        lora_slots=_size(_value(flags, "--max-loras")) or 1 if has_adapters else None,
        lora_rank=_size(_value(flags, "--max-lora-rank")) or DEFAULT_RANK if has_adapters else None,
        offloaded_bytes=int(_number(_value(flags, "--cpu-offload-gb")) * GIB) or None,
        uncomputed=tuple(_uncomputed(flags)),
    )


def _uncomputed(flags: Sequence[str]) -> Iterator[str]:
    """What changes the memory in a way that is not computed, in words."""
    if (_size(_value(flags, "--pipeline-parallel-size", "-pp")) or 1) > 1:
        yield "layers divided among cards (pipeline parallel)"
    drafting = _value(flags, "--speculative-config", "-sc") or _value(flags, "--spec-method") or ""
    if (drafting or _value(flags, "--spec-model")) and not WITHOUT_WEIGHTS.search(drafting):
        yield "a draft model beside this one (speculative decoding)"


# Speculative decoding by looking up what was said before needs no second model.
WITHOUT_WEIGHTS = re.compile(r"ngram|suffix")
EAGER = {"--enforce-eager": True, "--no-enforce-eager": False}


def _value(flags: Sequence[str], *names: str) -> str | None:
    return next((found for name in names if (found := flag(flags, name)) is not None), None)


def _size(text: str | None) -> int | None:
    found = SIZE.match(text or "")
    if not found:
        return None
    factor = BINARY_FACTORS.get(found[2]) or FACTORS[found[2].lower()]
    return int(float(found[1]) * factor) or None


def _number(text: str | None) -> float:
    try:
        return max(0.0, float(text or "0"))
    except ValueError:
        return 0.0


def _fraction(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if 0 < value <= 1 else None
