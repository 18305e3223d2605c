"""Models on this machine beside the Hub's cache: plain folders that the user named, and the demos.

A model is a folder with a config.json; below a named folder it is looked for two levels deep.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vconsole import paths, settings
from vconsole.models import demo

DEPTH = 2


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A folder that vLLM could be given."""

    name: str
    path: Path
    size_bytes: int


def demo_models() -> tuple[LocalModel, ...]:
    """Those that ship; they lie in the package until they are first served."""
    folders = [(name, _demo_folder(name)) for name in demo.NAMES]
    return tuple(LocalModel(name, folder, folder_bytes(folder)) for name, folder in folders)


def models_in_folders() -> tuple[LocalModel, ...]:
    """Every model below the folders of the setting `models.folders`, by name."""
    roots = [Path(one).expanduser() for one in settings.load().models.folders.split(":") if one]
    found = {path: root for root in roots for path in _below(root, DEPTH)}
    models = (
        LocalModel(_name(path, root), path, folder_bytes(path)) for path, root in found.items()
    )
    return tuple(sorted(models, key=lambda model: model.name))


def folder_bytes(folder: Path) -> int:
    try:
        return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    except OSError:
        return 0


def _demo_folder(name: str) -> Path:
    placed = paths.models_dir() / name
    return placed if placed.is_dir() else paths.resources_dir() / "demo_models" / name


def _below(folder: Path, depth: int) -> list[Path]:
    if (folder / "config.json").is_file():
        return [folder]
    if depth == 0:
        return []
    try:
        children = [child for child in folder.iterdir() if child.is_dir()]
    except OSError:
        return []
    return [model for child in children for model in _below(child, depth - 1)]


def _name(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path != root else path.name
