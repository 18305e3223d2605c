"""Starts of real servers that others published, as the planner is asked about them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from vconsole.errors import VConsoleError
from vconsole.models.cards import find_card
from vconsole.models.fit import ModelFacts, facts_from_config, make_plan
from vconsole.models.fit.defaults import Setting, settle, version_of
from vconsole.models.fit.facts import Checkpoint
from vconsole.models.fit.overhead import expected_overhead
from vconsole.models.fit.plan import Card, Plan, Wishes
from vconsole.models.fit.weights import loaded_weights

GIB = 2**30
FILE = Path(__file__).parent / "data" / "measured_starts.toml"
# For starts whose card nobody told: what is asked of them does not depend on it.
SOME_CARD = Card("a card", 80 * GIB, 80 * GIB)


@dataclass(frozen=True, slots=True)
class Start:
    """A row of the file: what was asked for, and `told`, what vLLM printed."""

    facts: ModelFacts
    card: Card | None
    wishes: Wishes
    told: dict[str, Any]

    @property
    def group(self) -> str:
        return str(self.told["group"])

    @property
    def is_good(self) -> bool:
        return bool(self.told["outcome"] == "ok")

    @property
    def is_offloaded(self) -> bool:
        """Whether a part of the weights stayed in the host's memory."""
        return "offloaded_gib" in self.told

    @property
    def setting(self) -> Setting:
        length = self.wishes.max_model_len or self.facts.context_length or 0
        version = version_of(self.told.get("vllm"))
        return settle(self.facts, self.card or SOME_CARD, self.wishes, version, length)

    def scores(self, what: str) -> bool:
        return what in self.told["scores"]

    def overhead_bytes(self) -> int:
        """What the planner expects beside weights and KV cache."""
        assert self.card is not None
        return expected_overhead(self.facts, self.card, self.setting).size.value

    def residual_bytes(self) -> float | None:
        """What there really was, by how vLLM accounts for its share."""
        names = ("kv_gib", "weights_gib", "utilization")
        if self.card is None or any(name not in self.told for name in names):
            return None
        share = self.card.total_bytes * self.told["utilization"]
        return float(share - (self.told["weights_gib"] + self.told["kv_gib"]) * GIB)

    def weights_bytes(self) -> int | None:
        """Weights as the planner counts them from the configuration alone."""
        found = loaded_weights(self.facts, self.setting)
        return found.size.value if found else None

    def plan(self) -> Plan | None:
        """The plan of this start; where the weights cannot be counted, with the printed ones."""
        if self.card is None:
            return None
        facts = self.facts
        told = self.told.get("weights_gib")
        if told and (self.weights_bytes() is None or self.is_offloaded):
            stored = int(told * GIB * self.setting.tensor_parallel)
            facts = replace(facts, checkpoint=Checkpoint(stored), quantization=None)
        return make_plan(facts, self.card, self.wishes, engine_version=self.told.get("vllm"))


@cache
def load_starts() -> tuple[Start, ...]:
    data = tomllib.loads(FILE.read_text(encoding="utf-8"))
    facts = {name: facts_from_config(one["config"]) for name, one in data["models"].items()}
    return tuple(
        Start(facts[row["model"]], _card(row), _wishes(row), row) for row in data["starts"]
    )


def _card(row: dict[str, Any]) -> Card | None:
    if "total_gib" not in row:
        return None
    total = int(row["total_gib"] * GIB)
    free = int(row.get("free_gib", row["total_gib"]) * GIB)
    name = row.get("card", "a card")
    try:
        capability = find_card(name).capability
    except VConsoleError:
        capability = None
    return Card(name, total, free, row.get("tensor_parallel", 1), capability)


def _wishes(row: dict[str, Any]) -> Wishes:
    return Wishes(
        tensor_parallel=row.get("tensor_parallel", 1),
        max_model_len=row.get("max_model_len"),
        max_num_seqs=row.get("max_num_seqs"),
        max_num_batched_tokens=row.get("max_num_batched_tokens"),
        gpu_memory_utilization=row.get("utilization"),
        kv_cache_dtype=row.get("kv_cache_dtype"),
        quantization=row.get("quantization"),
        enforce_eager=row.get("eager"),
    )
