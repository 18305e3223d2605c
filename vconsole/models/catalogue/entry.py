"""One model of the catalogue, whole: its repository, what it takes, and where each figure is from.

Sizes are bytes, lengths tokens, quality percent. None is unknown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from vconsole.models.fit import ModelFacts, facts_from_config

COMPUTED = "computed from the config"
CURATED = "catalogue"
OWN = "your catalogue.toml"
HUB = "the Hub"


@dataclass(frozen=True, slots=True)
class Quality:
    """A published benchmark's score; `source` is where it is published."""

    name: str
    percent: float
    source: str


@dataclass(frozen=True, slots=True)
class Entry:
    """`config` has keys of its config.json; `origin` says whose word the entry is.

    `filled` names the fields that the Hub filled in, `differs` where it says otherwise.
    """

    name: str
    title: str
    origin: str = CURATED
    parameters: int | None = None
    active_parameters: int | None = None
    license: str | None = None
    gated: bool | None = None
    quantization: str | None = None
    weights_bytes: int | None = None
    weights_source: str | None = None
    config: dict[str, Any] = field(default_factory=dict)
    config_source: str | None = None
    least_capability: tuple[int, int] | None = None
    quality: Quality | None = None
    filled: tuple[str, ...] = ()
    differs: tuple[str, ...] = ()

    @property
    def context(self) -> int | None:
        """The longest context that the model was made for."""
        text = self.config.get("text_config")
        found = (text if isinstance(text, dict) else self.config).get("max_position_embeddings")
        return found if isinstance(found, int) else None

    @property
    def facts(self) -> ModelFacts:
        """What the planner needs to know."""
        return facts_from_config(self.config, self.weights_bytes)

    @property
    def read_bytes_per_token(self) -> int | None:
        """Weights that one token reads: all of them, or the active share of a mixture of experts.

        The share is that of the parameters, as if all were packed alike.
        """
        if self.weights_bytes is None:
            return None
        if self.active_parameters is None or not self.parameters:
            return self.weights_bytes
        return int(self.weights_bytes * self.active_parameters / self.parameters)

    @property
    def sources(self) -> dict[str, str]:
        """Where the figures come from, by field."""
        found = {
            "config": self.config_source,
            "weights_bytes": self.weights_source,
            "quality": self.quality.source if self.quality else None,
        }
        known = {name: source for name, source in found.items() if source is not None}
        return known | dict.fromkeys(self.filled, HUB)
