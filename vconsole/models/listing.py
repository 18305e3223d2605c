"""Everything that could be served, side by side, with what the planner says of it on one card."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vconsole.errors import VConsoleError
from vconsole.models.catalogue import Entry, load_catalogue
from vconsole.models.fit import MeasuredStart, ModelFacts, make_plan, read_facts
from vconsole.models.fit.plan import Card, Plan, Verdict
from vconsole.models.hub.cache import CachedModel, cached_models
from vconsole.models.local import LocalModel, demo_models, models_in_folders
from vconsole.models.offers import lacking
from vconsole.models.rows import TYPICAL_REQUEST_TOKENS, Listing, ModelRow

# More at once than vLLM takes by default on most cards is no batch that one gets.
LARGEST_BATCH = 256

SHORT = {"bfloat16": "bf16", "float16": "fp16", "float32": "fp32"}

# The starts that were measured here, of a model by its name and its folder.
Ledger = Callable[[str, Path | None], Sequence[MeasuredStart]]


def list_models(
    card: Card | None, bandwidth_bytes_per_s: int | None = None, ledger: Ledger = lambda *_: ()
) -> Listing:
    """All rows for `card`; without one nothing is planned. Asks nobody: it works offline.

    `ledger` gives what earlier starts measured, newest last; plans take it into account.
    """
    catalogue = load_catalogue()
    judge = _Judge(card, bandwidth_bytes_per_s, ledger)
    cached = {model.name: model for model in cached_models()}
    rows = [
        *(judge.local(model, "demo", None) for model in demo_models()),
        *(judge.local(model, "folder", None) for model in models_in_folders()),
        *(judge.cached(model, catalogue.find(name)) for name, model in cached.items()),
        *(judge.offered(e) for e in sorted(catalogue.entries, key=_size) if e.name not in cached),
    ]
    return Listing(tuple(rows), catalogue.faults, card)


@dataclass(frozen=True, slots=True)
class _Judge:
    """Makes rows for one card."""

    card: Card | None
    bandwidth_bytes_per_s: int | None
    ledger: Ledger

    def local(self, model: LocalModel, source: str, entry: Entry | None) -> ModelRow:
        row = ModelRow(model.name, source, str(model.path), model.size_bytes)
        return self._planned(row, *_facts_of(model.path), entry)

    def cached(self, model: CachedModel, entry: Entry | None) -> ModelRow:
        whole = model.snapshot is not None and _is_whole(model)
        row = ModelRow(
            model.name,
            "cache",
            str(model.snapshot) if model.snapshot else None,
            model.size_bytes,
            incomplete=not whole,
            incomplete_bytes=model.incomplete_bytes,
        )
        if whole and model.snapshot is not None:
            return self._planned(row, *_facts_of(model.snapshot), entry)
        note = "incomplete: pull it again, and it continues where it stopped"
        size = entry.weights_bytes if entry else None
        row = dataclasses.replace(row, bytes=size or row.bytes, notes=(note,))
        return self._planned(row, entry.facts if entry else ModelFacts(), (), entry)

    def offered(self, entry: Entry) -> ModelRow:
        row = ModelRow(entry.name, "catalogue", None, entry.weights_bytes)
        return self._planned(row, entry.facts, (), entry)

    def _planned(
        self, row: ModelRow, facts: ModelFacts, notes: tuple[str, ...], entry: Entry | None
    ) -> ModelRow:
        starts = self.ledger(row.name, Path(row.path) if row.path else None)
        plan = self._plan(facts, entry, starts)
        tokens = plan.kv_cache_tokens.value if plan and plan.kv_cache_tokens else None
        quantized = facts.quantization.method if facts.quantization else None
        plain = SHORT.get(facts.dtype or "", facts.dtype)
        row = dataclasses.replace(
            row,
            quantization=quantized or plain,
            verdict=plan.verdict if plan else Verdict.UNKNOWN,
            kv_cache_tokens=tokens,
            max_concurrency=plan.max_concurrency if plan else None,
            max_model_len=plan.max_model_len if plan else None,
            context=facts.context_length,
            typical_batch=_batch(tokens),
            tokens_per_s=None if row.source == "demo" else self._speed(row.bytes),
            notes=(*row.notes, *notes),
            plan=plan,
            measured=starts[-1] if starts else None,
        )
        return self._described(row, entry) if entry else row

    def _described(self, row: ModelRow, entry: Entry) -> ModelRow:
        return dataclasses.replace(
            row,
            quantization=entry.quantization or row.quantization,
            title=entry.title,
            parameters=entry.parameters,
            license=entry.license,
            gated=entry.gated,
            context=row.context or entry.context,
            quality=entry.quality.name if entry.quality else None,
            quality_percent=entry.quality.percent if entry.quality else None,
            tokens_per_s=self._speed(entry.read_bytes_per_token or row.bytes),
            sources=entry.sources,
            notes=(*row.notes, *entry.differs),
        )

    def _plan(
        self, facts: ModelFacts, entry: Entry | None, starts: Sequence[MeasuredStart]
    ) -> Plan | None:
        if self.card is None:
            return None
        if missing := lacking(self.card, entry):
            return Plan(Verdict.UNKNOWN, why=(missing,))
        return make_plan(facts, self.card, measured=starts)

    def _speed(self, read_bytes: int | None) -> float | None:
        if not read_bytes or not self.bandwidth_bytes_per_s:
            return None
        return self.bandwidth_bytes_per_s / read_bytes


def _size(entry: Entry) -> tuple[float, str, int]:
    """Small models first, the variants of one together, unknown sizes last."""
    parameters = entry.parameters or math.inf
    return parameters, entry.title, -(entry.weights_bytes or 0)


def _batch(kv_cache_tokens: int | None) -> int | None:
    if kv_cache_tokens is None:
        return None
    return min(LARGEST_BATCH, kv_cache_tokens // TYPICAL_REQUEST_TOKENS)


def _facts_of(folder: Path) -> tuple[ModelFacts, tuple[str, ...]]:
    try:
        return read_facts(folder), ()
    except VConsoleError as error:
        return ModelFacts(), (error.message,)


def _is_whole(model: CachedModel) -> bool:
    """Whether every shard that the index names is there."""
    if model.snapshot is None or model.incomplete_bytes:
        return False
    index = model.snapshot / "model.safetensors.index.json"
    if index.is_file():
        return all((model.snapshot / name).exists() for name in _shards(index))
    return any(_weights(model.snapshot))


def _weights(folder: Path) -> Iterable[Path]:
    return (p for p in folder.iterdir() if p.suffix in (".safetensors", ".bin", ".gguf", ".pt"))


def _shards(index: Path) -> set[str]:
    import msgspec

    try:
        named = msgspec.json.decode(index.read_bytes(), type=dict[str, dict[str, object]])
    except (OSError, msgspec.DecodeError):
        return {"an index that can be read"}
    return {str(name) for name in named.get("weight_map", {}).values()}
