"""A first model for a card: the largest of a short list that the planner says fits."""

from __future__ import annotations

from dataclasses import dataclass

from vconsole.models.fit.plan import Card, Wishes
from vconsole.models.offers import offers

GIB = 2**30
# Repositories of the catalogue, free of access requests, with what they are in a few words.
SHORT_LIST = {
    "Qwen/Qwen2.5-0.5B-Instruct": "0.5B in bf16",
    "Qwen/Qwen2.5-1.5B-Instruct": "1.5B in bf16",
    "Qwen/Qwen2.5-7B-Instruct-AWQ": "7B in 4 bits",
    "openai/gpt-oss-20b": "20B in MXFP4",
    "Qwen/Qwen2.5-7B-Instruct": "7B in bf16",
    "Qwen/Qwen2.5-32B-Instruct-AWQ": "32B in 4 bits",
}
# Room for conversations worth the name.
LENGTH = 16_384


@dataclass(frozen=True, slots=True)
class Proposal:
    """What to start, the flags that make it fit beside what else holds the card, and why."""

    model: str
    weights_bytes: int
    flags: tuple[str, ...]
    why: str


def propose(card: Card, engine_version: str | None = None) -> Proposal | None:
    """The largest of the list that fits with a context of `LENGTH`, or None."""
    wishes = Wishes(max_model_len=LENGTH)
    found = offers(card, engine_version, wishes, tuple(SHORT_LIST))
    if not found:
        return None
    best = found[0]
    flags = ("--max-model-len", str(LENGTH), *best.plan.arguments)
    why = f"{SHORT_LIST[best.name]}: {'; '.join(best.plan.why)}"
    return Proposal(best.name, best.weights_bytes, flags, why)
