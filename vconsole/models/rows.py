"""A row of the list of models: where it is, what is known of it, and its plan on one card."""

from __future__ import annotations

from dataclasses import dataclass, field

from vconsole.models.fit import MeasuredStart
from vconsole.models.fit.plan import Card, Plan, Verdict

# A question and its answer, as chats have them.
TYPICAL_REQUEST_TOKENS = 2048


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One model: where it is, what is known of it, and its plan on the card asked for.

    `source` is `catalogue`, `cache`, `folder` or `demo`; `path` is None where it is not on disk.
    `bytes` are the weights as published, or what lies on disk. `tokens_per_s` is computed: the
    card's memory bandwidth over the weights that a token reads, so an upper bound for one request.
    `typical_batch` is how many requests of 2,048 tokens the KV cache holds, at most 256.
    """

    name: str
    source: str
    path: str | None = None
    bytes: int | None = None
    quantization: str | None = None
    verdict: Verdict = Verdict.UNKNOWN
    kv_cache_tokens: int | None = None
    max_concurrency: float | None = None
    max_model_len: int | None = None
    title: str | None = None
    parameters: int | None = None
    license: str | None = None
    gated: bool | None = None
    context: int | None = None
    quality: str | None = None
    quality_percent: float | None = None
    tokens_per_s: float | None = None
    typical_batch: int | None = None
    incomplete: bool = False
    incomplete_bytes: int = 0
    sources: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    plan: Plan | None = None
    measured: MeasuredStart | None = None

    @property
    def on_disk(self) -> bool:
        return self.path is not None and not self.incomplete


@dataclass(frozen=True, slots=True)
class Listing:
    """The rows, those on disk first, and in words what could not be read."""

    rows: tuple[ModelRow, ...]
    faults: tuple[str, ...] = ()
    card: Card | None = None

    def find(self, name: str) -> ModelRow | None:
        return next((row for row in self.rows if row.name == name), None)
