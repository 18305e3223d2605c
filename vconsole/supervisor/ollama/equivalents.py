"""Which repository vLLM would serve in the place of a model of Ollama's, and how sure that is.

Ollama's GGUF files are not for vLLM: the same weights are fetched anew, packed as vLLM likes them.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import vconsole.models
from vconsole.host.ollama.store import StoredModel
from vconsole.models.catalogue import Catalogue, Entry

TABLE = "ollama_names.toml"
HUB_URL = re.compile(r"https?://[^/]+/(?P<name>[\w.-]+/[\w.-]+)/?\Z")
# Tags of weights that were not trained to follow instructions.
BASE = re.compile(r"(?:^|-)(?:base|text)(?:-|$)")
HOSTED = re.compile(r"[^/]+\.[^/]+/|[^/]+/")


class Confidence(StrEnum):
    """`CERTAIN`: name and shape agree. `LIKELY`: one of the two says so. Else it is unknown."""

    CERTAIN = "certain"
    LIKELY = "likely"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Equivalent:
    """`others` are packings of the same weights that the catalogue knows, smallest first."""

    name: str
    repository: str | None
    confidence: Confidence
    why: str
    bytes: int | None = None
    others: tuple[str, ...] = ()


def equivalents(models: Iterable[StoredModel], catalogue: Catalogue) -> tuple[Equivalent, ...]:
    """One answer for each model, in their order."""
    return tuple(_equivalent(model, catalogue) for model in models)


def _equivalent(model: StoredModel, catalogue: Catalogue) -> Equivalent:
    repository, confidence, why = _matched(model, catalogue)
    entry = catalogue.find(repository) if repository else None
    return Equivalent(
        model.name, repository, confidence, why, model.bytes, _others(entry, catalogue)
    )


def _matched(model: StoredModel, catalogue: Catalogue) -> tuple[str | None, Confidence, str]:
    named = _by_name(model.name)
    if named is not None:
        return _checked(named, model, catalogue.find(named))
    stated = _stated_base(model)
    if stated is None:
        why = "neither the table of names nor the file itself says what it was made of"
        return None, Confidence.UNKNOWN, why
    entry = catalogue.find(stated)
    if entry is None:
        return stated, Confidence.LIKELY, "the file names it; the catalogue does not know it"
    agrees = _shape_agrees(model, entry)
    if agrees is False:
        why = f"the file names {stated}, but has another shape"
        return None, Confidence.UNKNOWN, why
    sure = Confidence.CERTAIN if agrees else Confidence.LIKELY
    return stated, sure, "the file names it" + (", and has its shape" if agrees else "")


def _checked(
    repository: str, model: StoredModel, entry: Entry | None
) -> tuple[str | None, Confidence, str]:
    """A repository by name, against the shape that the file has."""
    agrees = _shape_agrees(model, entry) if entry else None
    if agrees is False:
        why = f"named like {repository}, but the file has another shape"
        return None, Confidence.UNKNOWN, why
    if agrees:
        return repository, Confidence.CERTAIN, "by its name, and the file has its shape"
    return repository, Confidence.LIKELY, "by its name alone: the file cannot be read"


def _by_name(name: str) -> str | None:
    """Of Ollama's own library only: what others call a model says nothing."""
    model, _, tag = name.partition(":")
    if HOSTED.match(model) or BASE.search(tag):
        return None
    return _table().get(model, {}).get(tag.lower().partition("-")[0])


def _stated_base(model: StoredModel) -> str | None:
    match = HUB_URL.match(str(model.metadata.get("general.base_model.0.repo_url", "")))
    return match["name"] if match else None


def _shape_agrees(model: StoredModel, entry: Entry) -> bool | None:
    """Layers and width of the file against the config; None where either is unknown."""
    architecture = model.metadata.get("general.architecture")
    text = entry.config.get("text_config")
    config: dict[str, Any] = text if isinstance(text, dict) else entry.config
    pairs = [
        (model.metadata.get(f"{architecture}.block_count"), config.get("num_hidden_layers")),
        (model.metadata.get(f"{architecture}.embedding_length"), config.get("hidden_size")),
    ]
    known = [(one, other) for one, other in pairs if one is not None and other is not None]
    return all(one == other for one, other in known) if known else None


def _others(entry: Entry | None, catalogue: Catalogue) -> tuple[str, ...]:
    if entry is None:
        return ()
    same = [e for e in catalogue.entries if e.title == entry.title and e.name != entry.name]
    return tuple(e.name for e in sorted(same, key=lambda e: e.weights_bytes or 0))


@cache
def _table() -> dict[str, dict[str, str]]:
    with Path(vconsole.models.__file__).with_name(TABLE).open("rb") as file:
        return tomllib.load(file)
