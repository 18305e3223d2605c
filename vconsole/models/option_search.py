"""Searching vLLM's options as a person types: changed ones first, names before help texts."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from vconsole.engine.options.option import EngineOption

# What people look for under another word than vLLM's.
TOPICS = {
    "--tensor-parallel-size": "multi gpu several cards",
    "--pipeline-parallel-size": "multi gpu several cards",
    "--data-parallel-size": "multi gpu several cards",
    "--quantization": "quantisation awq gptq fp8 4-bit 8-bit",
    "--kv-cache-dtype": "quantisation fp8 cache",
    "--speculative-config": "speculative decoding ngram draft model eagle",
    "--spec-method": "speculative decoding ngram draft model eagle",
    "--spec-model": "speculative decoding draft model",
    "--spec-tokens": "speculative decoding ngram draft model",
    "--lora-modules": "lora adapters",
    "--enable-lora": "lora adapters",
    "--enable-prefix-caching": "prefix cache reuse",
    "--enforce-eager": "cuda graphs compile off",
    "--compilation-config": "cuda graphs compile",
    "--cudagraph-capture-sizes": "cuda graphs",
    "--max-model-len": "context length",
}
FREQUENT = tuple(TOPICS)


def matching(
    options: Sequence[EngineOption], search: str, changed: Collection[str] = ()
) -> tuple[EngineOption, ...]:
    """The options that have every word of `search`, best first.

    First where a name matches, then those in `changed` (long names), then those that people
    change most, then vLLM's order. A word counts where one begins with it.
    """
    words = [re.compile(rf"\b{re.escape(w)}") for w in search.lower().replace("_", "-").split()]
    found = [(option, _rank(option, words)) for option in options if option.name != "--help"]
    kept = [(option, rank) for option, rank in found if rank is not None]
    kept.sort(key=lambda each: (each[1], each[0].name not in changed, _frequency(each[0])))
    return tuple(option for option, _ in kept)


def _rank(option: EngineOption, words: Sequence[re.Pattern[str]]) -> int | None:
    """0 where the names have every word, 1 with the topics, 2 with the help; None else."""
    text = ""
    more = (" ".join(option.names), TOPICS.get(option.name, ""), f"{option.group} {option.help}")
    for rank, part in enumerate(more):
        text += f" {part.lower()}"
        if all(word.search(text) for word in words):
            return rank
    return None


def _frequency(option: EngineOption) -> int:
    return FREQUENT.index(option.name) if option.name in FREQUENT else len(FREQUENT)
