"""What a question of fit is about: a profile, a demo, a folder, a cached or a catalogued model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from vconsole.errors import VConsoleError
from vconsole.models import demo
from vconsole.models.fit import ModelFacts, read_facts
from vconsole.models.on_disk import folder_of
from vconsole.models.profiles import find_profile


@dataclass(frozen=True, slots=True)
class Subject:
    """A model with what is known of it; `flags` are those of its profile or demo.

    `model` is what vLLM would be given: a path, or the name of a repository.
    """

    name: str
    model: str
    facts: ModelFacts
    source: str
    flags: tuple[str, ...] = ()
    folder: Path | None = None


def find_subject(given: str) -> Subject:
    """The model that `given` names; a VConsoleError that says where it was looked for."""
    if profile := find_profile(given):
        inner = _find_model(profile.model)
        return replace(inner, name=given, source="profile", flags=profile.arguments())
    return _find_model(given)


def _find_model(given: str) -> Subject:
    if demo.is_demo(given):
        folder = demo.demo_folder(given)
        name = demo.demo_name(given)
        return Subject(name, str(folder), read_facts(folder), "demo", demo.FLAGS, folder)
    path = Path(given).expanduser()
    if path.is_dir():
        real = path.resolve()
        return Subject(real.name, str(real), read_facts(path), "folder", folder=real)
    snapshot = folder_of(given)
    if snapshot is not None:
        return Subject(given, given, read_facts(snapshot), "cache", folder=snapshot)
    return _catalogued(given)


def _catalogued(given: str) -> Subject:
    from vconsole.models.catalogue import load_catalogue

    catalogue = load_catalogue()
    entry = catalogue.find(given)
    if entry is None:
        alike = [one for one in catalogue.entries if one.name.lower().endswith(given.lower())]
        entry = alike[0] if len(alike) == 1 else None
    if entry is None:
        raise VConsoleError(
            f"{given!r} is no folder, profile or demo, and neither in the cache nor the catalogue",
            "give a folder with its config.json; `vconsole models list` shows what is known",
            kind="model_not_found",
        )
    return Subject(entry.name, entry.name, entry.facts, "catalogue")
