"""On what the planner was tried against real starts; outside of it the band is wider."""

from __future__ import annotations

from vconsole.models.fit.estimate import Estimate
from vconsole.models.fit.facts import ModelFacts

GIB = 2**30
# Starts that became ready or failed for want of memory, by how the model remembers.
TRIED = {
    "plain": "plain attention: vLLM 0.8 to 0.31 on cards of 12 to 141 GB",
    "sliding window": "sliding windows: one start of vLLM 0.13; its arithmetic by vLLM 0.32's own",
    "recurrent": "recurrent layers: a start of vLLM 0.26; its arithmetic by vLLM 0.32's own",
    "MLA": "latent attention: its arithmetic by vLLM 0.32's own, no start on a GPU",
}


def validated_on(facts: ModelFacts, result: Estimate) -> tuple[str, ...]:
    """What of this case has been tried, in words."""
    found = [TRIED[facts.family]]
    if facts.experts:
        found.append("experts: vLLM 0.10 to 0.22 on 24 and 80 GB cards")
    if result.setting.tensor_parallel > 1:
        found.append("several cards: 2 and 4, vLLM 0.9 to 0.26")
    if result.card.is_unified:
        found.append("memory shared with the host: two starts on a GB10, far apart")
    if result.setting.lora_slots:
        found.append("LoRA: its matrices by vLLM 0.32's own, no start on a GPU")
    return tuple(found)
