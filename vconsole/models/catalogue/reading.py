"""Reading the catalogue: the package's file, the user's over it, and the Hub's word for the rest.

A bad entry is named in `faults` and left out; the others hold.
"""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from vconsole import paths
from vconsole.models.catalogue.entry import COMPUTED, CURATED, OWN, Entry, Quality
from vconsole.models.catalogue.refreshed import HubFigures, load_refreshed

T = TypeVar("T", bound="FamilyTable")
SHIPPED = Path(__file__).with_name("catalogue.toml")


class FamilyTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[families.NAME]`: what the repositories of one architecture share."""

    title: str | None = None
    parameters: int | None = None
    active_parameters: int | None = None
    license: str | None = None
    config_source: str | None = None
    quality: Quality | None = None
    config: dict[str, Any] = {}


class ModelTable(FamilyTable, frozen=True, forbid_unknown_fields=True):
    """`[models."OWNER/NAME"]`: one repository; what it does not say is its family's word."""

    family: str | None = None
    gated: bool | None = None
    quantization: str | None = None
    quantization_config: dict[str, Any] | None = None
    weights_bytes: int | None = None
    weights_source: str | None = None
    least_capability: float | None = None


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All entries in the order of the files, and in words what could not be taken."""

    entries: tuple[Entry, ...]
    faults: tuple[str, ...] = ()

    def find(self, name: str) -> Entry | None:
        return next((entry for entry in self.entries if entry.name == name), None)


@dataclass
class _Tables:
    families: dict[str, FamilyTable] = field(default_factory=dict)
    models: dict[str, tuple[ModelTable, str]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def user_catalogue() -> Path:
    return paths.config_dir() / "catalogue.toml"


def load_catalogue(own: Path | None = None) -> Catalogue:
    """The shipped catalogue, extended and overridden by the user's; never raises."""
    tables = _Tables()
    _take(tables, SHIPPED, CURATED)
    _take(tables, own or user_catalogue(), OWN)
    refreshed, fault = load_refreshed()
    tables.faults += [fault] if fault else []
    made = [_entry(tables, name, *found) for name, found in tables.models.items()]
    entries = [_with_hub(entry, refreshed.get(entry.name)) for entry in made if entry]
    return Catalogue(tuple(entries), tuple(tables.faults))


def _take(tables: _Tables, path: Path, origin: str) -> None:
    try:
        with path.open("rb") as file:
            found = tomllib.load(file)
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        tables.faults.append(f"{path} cannot be read: {error}")
        return
    unknown = sorted(set(found) - {"families", "models"})
    tables.faults += [f"{path}: {key} is neither `families` nor `models`" for key in unknown]
    for name, given in _tables_of(found, "families", path, tables.faults).items():
        if (family := _converted(given, FamilyTable, f"{path}: family {name}", tables)) is not None:
            tables.families[name] = family
    for name, given in _tables_of(found, "models", path, tables.faults).items():
        before = tables.models.get(name)
        merged = _set_fields(before[0]) | given if before and isinstance(given, dict) else given
        if (model := _converted(merged, ModelTable, f"{path}: model {name}", tables)) is not None:
            tables.models[name] = (model, origin)


def _tables_of(found: Mapping[str, Any], key: str, path: Path, faults: list[str]) -> dict[str, Any]:
    given = found.get(key, {})
    if isinstance(given, dict):
        return given
    faults.append(f"{path}: {key} must be a table of tables")
    return {}


def _converted(given: Any, wanted: type[T], where: str, tables: _Tables) -> T | None:
    try:
        return msgspec.convert(given, type=wanted)
    except msgspec.ValidationError as error:
        tables.faults.append(f"{where} is left out: {error}")
        return None


def _set_fields(model: ModelTable) -> dict[str, Any]:
    built: dict[str, Any] = msgspec.to_builtins(model)
    return {name: value for name, value in built.items() if value not in (None, {})}


def _entry(tables: _Tables, name: str, model: ModelTable, origin: str) -> Entry | None:
    family = tables.families.get(model.family or "", FamilyTable())
    if model.family is not None and model.family not in tables.families:
        tables.faults.append(f"model {name} is left out: there is no family {model.family}")
        return None
    config = {**family.config, **model.config}
    if config and model.quantization_config:
        config["quantization_config"] = model.quantization_config
    weights_source = model.weights_source or (COMPUTED if config else None)
    return Entry(
        name=name,
        title=model.title or family.title or name,
        origin=origin,
        parameters=model.parameters or family.parameters,
        active_parameters=model.active_parameters or family.active_parameters,
        license=model.license or family.license,
        gated=model.gated,
        quantization=model.quantization,
        weights_bytes=model.weights_bytes,
        weights_source=weights_source if model.weights_bytes else None,
        config=config,
        config_source=model.config_source or family.config_source,
        least_capability=_capability(model.least_capability),
        quality=model.quality or family.quality,
    )


def _capability(given: float | None) -> tuple[int, int] | None:
    if given is None:
        return None
    major, _, minor = f"{given:.1f}".partition(".")
    return int(major), int(minor)


def _with_hub(entry: Entry, hub: HubFigures | None) -> Entry:
    """What nobody said, filled in from the Hub; where it says otherwise, that is named."""
    if hub is None:
        return entry
    offered = hub.fields()
    filled = {name: value for name, value in offered.items() if not getattr(entry, name)}
    # `False` is an answer too.
    filled = {name: value for name, value in filled.items() if getattr(entry, name) is not False}
    differs = tuple(
        f"{name}: {getattr(entry, name)} here, {value} on the Hub"
        for name, value in offered.items()
        if name not in filled and name != "config" and getattr(entry, name) != value
    )
    return dataclasses.replace(entry, **filled, filled=tuple(filled), differs=differs)
